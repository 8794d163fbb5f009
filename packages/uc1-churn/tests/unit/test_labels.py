import datetime as dt
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import ContractError
from uc1_churn.config import DatasetSpec
from uc1_churn.features.labels import EntityRows, entity_rows

Positive: TypeAlias = str | int | bool
MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def labelled(
    folder: Path, labels: Any, positive: Positive
) -> tuple[EntityRows, pa.Table]:
    source, target = folder / "extract.parquet", folder / "rows.parquet"
    count = len(labels)
    columns = {"id": list(range(count)), "churn": labels, "a": [1.0] * count}
    pq.write_table(pa.table({**columns, "seen": [MARCH] * count}), source)
    spec = DatasetSpec(
        table="t", entity="id", label="churn", positive=positive, timestamp="seen"
    )
    return entity_rows(source, spec, target), pq.read_table(target)


@pytest.mark.parametrize("positive", [1, "1", True, "Yes", "TRUE"])
@pytest.mark.parametrize(
    "labels",
    [
        [1, 0],
        [1.0, 0.0],
        [True, False],
        ["Yes", "No"],
        ["1", "0"],
        ["1.0", "0.0"],
        pa.array(["y", "n"]).dictionary_encode(),
    ],
    ids=["integer", "float", "boolean", "word", "digit", "decimal", "enum"],
)
def test_one_true_and_yes_mean_the_same(
    tmp_path: Path, labels: Any, positive: Positive
) -> None:
    _, table = labelled(tmp_path, labels, positive)
    assert table["label"].to_pylist() == [1, 0]
    assert table.schema.field("label").type == pa.int8()


def test_the_positive_value_may_be_any_word_or_number(tmp_path: Path) -> None:
    _, table = labelled(tmp_path, ["left", "stayed ", "LEFT"], "Left")
    assert table["label"].to_pylist() == [1, 0, 1]
    _, table = labelled(tmp_path, [2, 1, 2], 2)
    assert table["label"].to_pylist() == [1, 0, 1]
    _, table = labelled(tmp_path, [0, 1, 0], 0)
    assert table["label"].to_pylist() == [1, 0, 1]


def test_entity_rows_hold_the_key_the_instant_and_the_label(tmp_path: Path) -> None:
    counts, table = labelled(tmp_path, [1, 0, 0], 1)
    assert counts == EntityRows(rows=3, positives=1, unlabelled=0)
    assert table.column_names == ["id", "event_timestamp", "label"]
    assert table["event_timestamp"].to_pylist() == [MARCH] * 3


@pytest.mark.parametrize(
    "labels", [["Yes", None, " ", "No"], [1.0, None, float("nan"), 0.0]]
)
def test_rows_of_unknown_label_are_counted_and_left_out(
    tmp_path: Path, labels: list[Any]
) -> None:
    counts, table = labelled(tmp_path, labels, 1)
    assert counts == EntityRows(rows=2, positives=1, unlabelled=2)
    assert table["id"].to_pylist() == [0, 3]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (pa.array([None, None], pa.int8()), "is empty in every row"),
        (["", " "], "is empty in every row"),
        ([0, 0], r"never equals the positive value 1; found '0' \(2 rows\)"),
        ([1, 1], r"the positive value 1 in every row: '1' \(2 rows\)"),
        (["a", "b"], r"never equals .* found 'a' \(1 rows\), 'b' \(1 rows\)"),
        ([0, 1, 2], r"two values, found 3: '0' .*'1' .*'2'"),
        (list(range(99)), "two values, found 99"),
    ],
)
def test_a_label_that_teaches_nothing_is_refused(
    tmp_path: Path, labels: Any, message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        labelled(tmp_path, labels, 1)
    assert not (tmp_path / "rows.parquet").exists()
