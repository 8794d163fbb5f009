import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import ContractError
from uc1_churn.feature_store import historical
from uc1_churn.feature_store.historical import ROW, write_training_set
from uc1_churn.features.schema import FeatureSchema

COLUMNS = FeatureSchema(
    dataset="d", entity="id", entity_type="integer", numeric=("x",), categorical=()
)
MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
COUNT = 10


@pytest.fixture
def entity_rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    instants = pa.array([MARCH] * COUNT, pa.timestamp("us", "UTC"))
    labels = pa.array([0, 1] * (COUNT // 2), pa.int8())
    table = {"id": list(range(COUNT)), "event_timestamp": instants, "label": labels}
    pq.write_table(pa.table(table), path)
    return path


def shuffled(rows: Any) -> pa.Table:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.append_column("x", pa.array(rows["id"] * 0.5))
    return table.take(list(reversed(range(len(table)))))


def test_rows_return_in_their_order_however_they_are_chunked(
    entity_rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(historical, "CHUNK", 3)
    target = tmp_path / "training.parquet"
    assert write_training_set(entity_rows, COLUMNS, shuffled, target) == COUNT
    table = pq.read_table(target)
    assert table.column_names == ["id", "event_timestamp", "x", "label"]
    assert table["id"].to_pylist() == list(range(COUNT))
    assert table["x"].to_pylist() == [0.5 * n for n in range(COUNT)]
    assert pq.ParquetFile(target).metadata.num_row_groups == 4


def lose(table: pa.Table) -> pa.Table:
    return table.slice(1)


def repeat(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def exchange(table: pa.Table) -> pa.Table:
    swapped = table[ROW].to_pylist()
    swapped[0], swapped[1] = swapped[1], swapped[0]
    return table.set_column(table.column_names.index(ROW), ROW, [swapped])


@pytest.mark.parametrize("damage", [lose, repeat, exchange])
def test_a_join_that_damages_the_entity_rows_leaves_no_training_set(
    entity_rows: Path, tmp_path: Path, damage: Callable[[pa.Table], pa.Table]
) -> None:
    target = tmp_path / "training.parquet"
    with pytest.raises(ContractError, match=r"must come back|each must"):
        write_training_set(
            entity_rows, COLUMNS, lambda rows: damage(shuffled(rows)), target
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.parquet"]
