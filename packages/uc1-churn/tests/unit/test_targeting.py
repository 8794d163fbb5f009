from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from uc1_churn import targeting
from uc1_churn.features.schema import FeatureSchema, FeatureTable

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
KEYS = ("id", "event_timestamp")


def write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def current(folder: Path, features: Path, outcomes: Path) -> dict[str, list[Any]]:
    columns = FeatureSchema(
        dataset="d", entity="id", entity_type="integer", numeric=("age",),
        categorical=(),
    )  # fmt: skip
    target = folder / "current.parquet"
    table = FeatureTable(columns=columns, path=features)
    count = targeting.current_customers(table, outcomes, target)
    found = pq.read_table(target)
    assert count == found.num_rows
    values: dict[str, list[Any]] = found.to_pydict()
    return values


def test_who_left_is_no_customer_and_who_stayed_is_known_by_the_latest_row(
    tmp_path: Path,
) -> None:
    keys: dict[str, Any] = {
        "id": [1, 1, 2, 3],
        "event_timestamp": [JANUARY, FEBRUARY, JANUARY, JANUARY],
    }
    features = write(tmp_path / "f.parquet", **keys, age=[30.0, 31.0, 50.0, 70.0])
    outcomes = write(tmp_path / "o.parquet", **keys, label=[0, 0, 1, 0])

    assert current(tmp_path, features, outcomes) == {"id": [1, 3], "age": [31.0, 70.0]}


def test_who_left_and_came_back_is_a_customer_again(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"id": [1, 1], "event_timestamp": [JANUARY, FEBRUARY]}
    features = write(tmp_path / "f.parquet", **keys, age=[30.0, 31.0])
    outcomes = write(tmp_path / "o.parquet", **keys, label=[1, 0])

    assert current(tmp_path, features, outcomes)["id"] == [1]


def test_an_unknown_outcome_is_no_loss(tmp_path: Path) -> None:
    features = write(
        tmp_path / "f.parquet",
        id=[1, 1],
        event_timestamp=[JANUARY, FEBRUARY],
        age=[30.0, 31.0],
    )
    outcomes = write(
        tmp_path / "o.parquet", id=[1], event_timestamp=[JANUARY], label=[0]
    )

    assert current(tmp_path, features, outcomes) == {"id": [1], "age": [31.0]}


def test_the_list_is_written_as_parquet_and_csv(tmp_path: Path) -> None:
    ranked = pa.table({"rank": [1, 2], "id": [7, 8], "expected_value": [9.5, 0.5]})

    targeting.write(ranked, tmp_path / "t.parquet", tmp_path / "t.csv")

    assert pq.read_table(tmp_path / "t.parquet") == ranked
    assert pyarrow.csv.read_csv(tmp_path / "t.csv") == ranked
    assert targeting.total(ranked) == 10.0
    assert targeting.total(ranked.slice(0, 0)) == 0.0
