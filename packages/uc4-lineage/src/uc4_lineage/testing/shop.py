"""A small shop, as events: orders are enriched and summed, customers get letters."""

from uc4_lineage.testing.events import dataset, run_event

COLUMNS = {"id": "bigint", "price": "numeric", "placed": "timestamptz"}
WIDE = {f"column_{i}": "text" for i in range(40)}
OWNER = {"ownership": {"owners": [{"name": "team:shop", "type": "OWNER"}]}}
SHOP = [
    run_event("extract", [], [dataset("orders", COLUMNS, facets=OWNER)]),
    run_event(
        "enrich",
        ["orders", "customers"],
        [
            dataset(
                "enriched",
                {"id": "bigint", "total": "numeric"},
                {"id": ["orders.id"], "total": ["orders.price"]},
            )
        ],
        at=1,
    ),
    run_event(
        "aggregate",
        ["enriched"],
        [dataset("revenue", {"sum": "numeric"}, {"sum": ["enriched.total"]})],
        at=2,
        state="START",
        run="aggregate",
    ),
    run_event(
        "aggregate",
        at=3,
        state="FAIL",
        run="aggregate",
        facets={"errorMessage": {"message": "disk full", "programmingLanguage": "SQL"}},
    ),
    run_event("mail", ["customers"], [dataset("letters", WIDE)], at=4),
]
