"""A small shop, as events: orders are enriched and summed, customers get letters."""

from typing import Any

from uc4_lineage.testing.events import dataset, run_event

CUSTOMERS = {"id": "bigint", "age": "int", "price": "numeric"}
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


def served_shop() -> list[dict[str, Any]]:
    """Return events of a shop with a model.

    A table is copied, features are derived, a model is trained and served.
    """
    model = dataset("churn", namespace="mlflow://localhost")
    service = dataset("churn", namespace="kserve://localhost")
    features = dataset(
        "customer_features",
        {"id": "bigint", "spend": "double"},
        {"id": ["staged.id"], "spend": ["staged.price"]},
        namespace="feast://shop",
    )
    copied = {name: [f"shop.public.customers.{name}"] for name in CUSTOMERS}
    staged = dataset("staged", CUSTOMERS, copied)
    return [
        run_event("copy", [dataset("shop.public.customers", CUSTOMERS)], [staged]),
        run_event("derive", ["staged"], [features], at=1),
        run_event("train", [features], [model], at=2),
        run_event("serve", [model], [service], at=3),
        run_event("report", ["staged"], [dataset("report", influences=["staged.age"])]),
    ]
