"""Point-in-time join of 1 M entity rows and 2 feature views: Feast against DuckDB.

```sh
python benchmarks/uc1_join.py
```

Both read the same Parquet files and write a training set; the results must be
equal. Each runs in a process of its own, whose imports are not counted.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import harness
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from uc1_churn.feature_store import historical
from uc1_churn.features.schema import FeatureSchema, FeatureTable

LIMIT = 8.0
ROWS = 1_000_000
CUSTOMERS = ROWS // 5
FEATURES = 10
VIEWS = ("profile", "behaviour")
HALF_A_YEAR = 180 * 86_400 * 1_000_000
ASOF_JOIN = Path(__file__).parent / "sql" / "asof_join.sql"


def columns(*views: str) -> FeatureSchema:
    """Return the columns of one feature table, or of all of them together."""
    numeric = tuple(f"{view}_{n}" for view in views for n in range(FEATURES))
    return FeatureSchema(
        dataset="bench",
        entity="customer_id",
        entity_type="integer",
        numeric=numeric,
        categorical=(),
    )


def make(folder: Path) -> None:
    """Write the entity rows and the feature tables, each of `ROWS` rows."""
    generator = np.random.default_rng(0)
    for view in VIEWS:
        values = {name: generator.normal(size=ROWS) for name in columns(view).numeric}
        _write(folder, view, generator, values)
    labels = pa.array(generator.integers(0, 2, ROWS), pa.int8())
    _write(folder, "entities", generator, {"label": labels})


def _write(
    folder: Path, name: str, generator: np.random.Generator, values: dict[str, Any]
) -> None:
    microseconds = generator.integers(0, HALF_A_YEAR, ROWS)
    instants = pa.array(microseconds, pa.timestamp("us", "UTC"))
    keys = {"customer_id": generator.integers(0, CUSTOMERS, ROWS)}
    table = pa.table({**keys, "event_timestamp": instants, **values})
    pq.write_table(table, folder / f"{name}.parquet")


def feast(folder: Path) -> float:
    """Return the seconds of the join through Feast."""
    from mlops_common.testing.postgres import temporary_postgres
    from uc1_churn.feature_repo import definitions
    from uc1_churn.feature_store.store import FeatureStore, historical_features

    tables = [
        FeatureTable(columns=columns(view), path=folder / f"{view}.parquet")
        for view in VIEWS
    ]
    customer = definitions.entity(tables[0])
    views = [
        definitions.feature_view(
            view, table, customer, definitions.file_source(table, f"{view}_table")
        )
        for view, table in zip(VIEWS, tables, strict=True)
    ]
    service = definitions.feature_service(views)
    with (
        temporary_postgres() as postgres,
        FeatureStore(postgres, folder).opened("bench") as store,
    ):
        store.apply([customer, *views, service])
        return harness.seconds(
            lambda: historical.write_training_set(
                folder / "entities.parquet",
                columns(*VIEWS),
                lambda rows: historical_features(store, service, rows),
                folder / "feast.parquet",
            )
        )


def raw(folder: Path) -> float:
    """Return the seconds of the ASOF join."""
    with duckdb.connect() as connection:
        for name in ("entities", *VIEWS):
            path = str(folder / f"{name}.parquet")
            connection.read_parquet(path).create_view(name)
        join = connection.sql(ASOF_JOIN.read_text("utf-8"))
        target = str(folder / "raw.parquet")
        return harness.seconds(lambda: join.write_parquet(target, compression="zstd"))


def check_equal(folder: Path) -> None:
    """Fail unless both training sets hold the same rows."""
    order = [(name, "ascending") for name in historical.schema(columns(*VIEWS)).names]
    ours, theirs = (
        pq.read_table(folder / f"{name}.parquet").sort_by(order)
        for name in ("feast", "raw")
    )
    assert ours.num_rows == ROWS
    assert ours.equals(theirs.cast(ours.schema))


def main() -> None:
    """Measure both joins and report their ratio."""
    with tempfile.TemporaryDirectory() as name:
        make(Path(name))
        samples = {side: harness.run(__file__, side, name) for side in ("raw", "feast")}
        check_equal(Path(name))
    figures = {
        side: {"seconds": json.loads(sample.output), "rss_mb": round(sample.rss)}
        for side, sample in samples.items()
    }
    ratio = figures["feast"]["seconds"] / figures["raw"]["seconds"]
    claim = "time of a point-in-time join through Feast over a raw ASOF join"
    harness.report("uc1_join", [harness.at_most(claim, ratio, LIMIT)], figures)
    print(json.dumps(figures))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        side = {"feast": feast, "raw": raw}[sys.argv[1]]
        print(side(Path(sys.argv[2])))
    else:
        main()
