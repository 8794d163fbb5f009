import datetime as dt
import math
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.errors import ContractError, RefusedError
from uc1_churn.features.schema import FeatureSchema, FeatureTable
from uc1_churn.serving.parity import Parity, compare, sample

FEATURES = pa.table(
    {"id": [1, 2, 3], "age": [30.0, None, 50.0], "plan": ["a", None, "b"]}
)
ROWS = st.lists(
    st.tuples(st.one_of(st.none(), st.floats()), st.one_of(st.none(), st.text())),
    min_size=1,
    max_size=20,
)


def features(rows: list[tuple[float | None, str | None]]) -> pa.Table:
    numbers, texts = zip(*rows, strict=True)
    columns = {"id": list(range(len(rows))), "x": pa.array(numbers, pa.float64())}
    return pa.table({**columns, "t": pa.array(texts, pa.string())})


def changed(column: str, row: int, value: float | str | None) -> pa.Table:
    rows = FEATURES.to_pylist()
    rows[row][column] = value
    return pa.Table.from_pylist(rows, schema=FEATURES.schema)


@given(rows=ROWS, order=st.randoms())
def test_any_table_equals_itself_in_any_order(
    rows: list[tuple[float | None, str | None]], order: random.Random
) -> None:
    table = features(rows)
    positions = list(range(len(rows)))
    order.shuffle(positions)
    passed = compare(table, table.take(positions), key="id")
    assert passed == Parity(customers=len(rows), columns=2, largest=0.0)


@given(
    value=st.floats(-1e6, 1e6),
    difference=st.floats(1e-9, 1.0),
    tolerance=st.floats(1e-9, 1.0),
)
def test_numbers_pass_exactly_up_to_the_tolerance(
    value: float, difference: float, tolerance: float
) -> None:
    offline = pa.table({"id": [7], "x": [value]})
    online = pa.table({"id": [7], "x": [value + difference]})
    actual = abs(value + difference - value)
    if actual <= tolerance:
        assert compare(offline, online, key="id", tolerance=tolerance).largest == actual
    else:
        with pytest.raises(RefusedError):
            compare(offline, online, key="id", tolerance=tolerance)


@given(rows=ROWS, data=st.data())
def test_one_absent_value_is_never_overlooked(
    rows: list[tuple[float | None, str | None]], data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    number, text = rows[row]
    present = number is not None and not math.isnan(number)
    other = None if present else 1.5
    online = features([*rows[:row], (other, text), *rows[row + 1 :]])
    with pytest.raises(RefusedError) as caught:
        compare(features(rows), online, key="id")
    assert caught.value.evidence["column"] == "x"
    assert caught.value.evidence["customer"] == row


def test_null_and_nan_are_the_same_absence() -> None:
    compare(FEATURES, changed("age", 1, math.nan), key="id")


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("age", 0, 30.00001),
        ("age", 1, 0.0),
        ("age", 2, None),
        ("age", 2, math.inf),
        ("plan", 0, "A"),
        ("plan", 1, ""),
    ],
)
def test_a_difference_names_the_column_the_customer_and_both_values(
    column: str, row: int, value: float | str | None
) -> None:
    with pytest.raises(RefusedError) as caught:
        compare(FEATURES, changed(column, row, value), key="id")
    offline = FEATURES[column].to_pylist()[row]
    assert caught.value.evidence == {
        "column": column,
        "customer": row + 1,
        "offline": offline,
        "online": value,
        "differing": 1,
        "tolerance": 1e-6,
    }
    assert f"column {column!r} of id {row + 1} is {value!r} online" in str(caught.value)


def test_served_probabilities_are_compared_likewise() -> None:
    offline = pa.table({"id": ["a", "b"], "probability": [0.25, 0.5]})
    online = pa.table({"id": ["b", "a"], "probability": [0.5000004, 0.25]})
    assert compare(offline, online, key="id").largest == pytest.approx(4e-7)
    with pytest.raises(RefusedError, match=r"'probability' of id 'b' is 0\.5000004"):
        compare(offline, online, key="id", tolerance=1e-7)


def test_a_customer_or_column_that_is_not_served_is_named() -> None:
    with pytest.raises(RefusedError, match="id 3 is not served") as caught:
        compare(FEATURES, FEATURES.slice(0, 2), key="id")
    assert caught.value.evidence["customer"] == 3
    with pytest.raises(RefusedError, match="column 'plan' is not served"):
        compare(FEATURES, FEATURES.drop(["plan"]), key="id")


def test_nothing_to_compare_is_not_parity() -> None:
    with pytest.raises(ContractError, match="nothing to compare"):
        compare(FEATURES.slice(0, 0), FEATURES, key="id")
    with pytest.raises(ContractError, match="occur twice"):
        compare(pa.concat_tables([FEATURES, FEATURES]), FEATURES, key="id")


@pytest.fixture
def monthly(tmp_path: Path) -> FeatureTable:
    months = [dt.datetime(2026, month, 1, tzinfo=dt.UTC) for month in (2, 3, 1)]
    path = tmp_path / "features.parquet"
    table = pa.table(
        {
            "id": [customer for customer in range(100) for _ in months],
            "event_timestamp": pa.array(months * 100, pa.timestamp("us", "UTC")),
            "x": [customer + 0.1 * m.month for customer in range(100) for m in months],
        }
    )
    pq.write_table(table, path)
    columns = FeatureSchema(
        dataset="d", entity="id", entity_type="integer", numeric=("x",), categorical=()
    )
    return FeatureTable(columns=columns, path=path)


def test_a_sample_holds_the_latest_row_of_distinct_customers(
    monthly: FeatureTable,
) -> None:
    rows = sample(monthly, 10).to_pylist()
    assert len({row["id"] for row in rows}) == 10
    assert all(row["x"] == row["id"] + 0.1 * 3 for row in rows)
    assert sample(monthly, 1_000).num_rows == 100


def test_a_sample_is_drawn_by_its_seed(monthly: FeatureTable) -> None:
    assert sample(monthly, 10, seed=1).equals(sample(monthly, 10, seed=1))
    assert not sample(monthly, 10, seed=1).equals(sample(monthly, 10, seed=2))
