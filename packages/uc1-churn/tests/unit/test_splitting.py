from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_common.errors import ContractError
from uc1_churn.training.splitting import folds, split, uniform

START = datetime(2026, 1, 1, tzinfo=UTC)


def panel(months: int, customers: int = 200) -> pa.Table:
    random = np.random.default_rng(5)
    rows = months * customers
    return pa.table(
        {
            "customer_id": np.tile(np.arange(customers), months),
            "event_timestamp": pa.array(
                [START + timedelta(days=30 * m) for m in range(months)] * 1,
                pa.timestamp("us", "UTC"),
            ).take(pa.array(np.repeat(np.arange(months), customers))),
            "age": random.normal(size=rows),
            "label": pa.array(random.integers(0, 2, rows), pa.int8()),
        }
    )


def test_the_newest_whole_periods_are_held_out() -> None:
    parts = split(panel(10), "customer_id", 0.24)

    newest = pc.min(parts.test["event_timestamp"]).as_py()
    assert parts.by == "time"
    assert parts.test.num_rows == 400
    assert pc.max(parts.train["event_timestamp"]).as_py() < newest


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_both_parts_keep_a_period_whatever_the_fraction(fraction: float) -> None:
    parts = split(panel(3), "customer_id", fraction)

    assert min(parts.train.num_rows, parts.test.num_rows) == 200


def test_one_instant_is_split_by_customer() -> None:
    parts = split(panel(1, 2_000), "customer_id", 0.2)

    assert parts.by == "customer"
    assert parts.test.num_rows == pytest.approx(400, rel=0.15)


def test_a_customer_stays_on_its_side_when_others_come_and_go() -> None:
    table = panel(1, 2_000)
    before = split(table, "customer_id", 0.2).test["customer_id"].to_pylist()

    later = split(table.slice(500).take(list(range(1_499, -1, -1))), "customer_id", 0.2)

    kept = {key for key in before if key >= 500}
    assert set(later.test["customer_id"].to_pylist()) == kept


def test_more_held_out_customers_include_the_fewer() -> None:
    table = panel(1, 1_000)
    few, many = (
        set(split(table, "customer_id", f).test["customer_id"].to_pylist())
        for f in (0.1, 0.3)
    )

    assert few < many


def test_the_hash_does_not_depend_on_the_type_of_the_key() -> None:
    numbers, texts = pa.array([7, 42]), pa.array(["7", "42"])

    assert uniform(numbers, "x").tolist() == uniform(texts, "x").tolist()


def test_hashes_spread_evenly_and_salts_are_independent() -> None:
    keys = pa.array(range(20_000))
    test, fold = uniform(keys, "test"), uniform(keys, "fold")

    assert np.histogram(test, 10, (0, 1))[0] == pytest.approx([2_000] * 10, rel=0.1)
    assert abs(np.corrcoef(test, fold)[0, 1]) < 0.03


def test_folds_of_one_instant_keep_customers_apart() -> None:
    table = pa.concat_tables([panel(1), panel(1)])
    keys = table["customer_id"].to_numpy()

    for learn, hold in folds(table, "customer_id", 5):
        assert not set(keys[learn]) & set(keys[hold])


def test_folds_of_one_instant_hold_out_every_row_once() -> None:
    held = np.concatenate([hold for _, hold in folds(panel(1), "customer_id", 5)])

    assert sorted(held) == list(range(200))


@pytest.mark.parametrize("months", [2, 3, 7, 24])
def test_folds_by_time_learn_from_the_past_alone(months: int) -> None:
    table = panel(months)
    instants = table["event_timestamp"].to_numpy()

    parts = folds(table, "customer_id", 5)

    assert 1 <= len(parts) <= 5
    for learn, hold in parts:
        assert instants[learn].max() < instants[hold].min()


def test_folds_by_time_hold_out_the_newer_half() -> None:
    held = sum(len(hold) for _, hold in folds(panel(24), "customer_id", 5))

    assert held == 24 * 200 / 2


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            panel(2).drop_columns("label"),
            "lacks the column 'label'; it has customer_id",
        ),
        (panel(2).slice(0, 0), "empty"),
        (
            panel(2).set_column(3, "label", pa.nulls(400, pa.int8())),
            "'label' of the training table has 400 empty values in 400 rows",
        ),
        (
            panel(2).set_column(3, "label", pa.array([0] * 400, pa.int8())),
            "training rows need both labels 0 and 1, found only 0 in 200 rows",
        ),
        (
            panel(2).set_column(3, "label", pa.array([0, 1] * 100 + [1] * 200)),
            "held-out rows need both labels 0 and 1, found only 1",
        ),
        (panel(1, 3), "rows need both labels"),
    ],
    ids=["no label", "empty", "null labels", "one class", "one class held out", "few"],
)
def test_a_table_that_cannot_be_split_is_refused(table: pa.Table, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        split(table, "customer_id", 0.2)


def test_too_few_churners_to_calibrate_are_refused() -> None:
    labels = pa.array([1] + [0] * 199, pa.int8())

    with pytest.raises(ContractError, match="too few rows of one class among 200"):
        folds(panel(1).set_column(3, "label", labels), "customer_id", 5)
