import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uc1_churn.config import EconomicsParams
from uc1_churn.evaluation.economics import (
    NOBODY,
    best_threshold,
    capacity_share,
    expected_value,
    offers,
    profit,
    profit_curve,
    targets,
)
from uc1_churn.evaluation.metrics import tally

MONEY = EconomicsParams(value_per_customer=100, offer_cost=10, success_rate=0.5)
ROWS = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30)


def test_an_offer_is_worth_what_it_saves_less_its_price() -> None:
    assert expected_value([0.0, 0.2, 1.0], MONEY).tolist() == [-10.0, 0.0, 40.0]


def test_profit_counts_the_offers_at_or_above_the_threshold() -> None:
    sample = tally([1, 0, 1], [0.9, 0.5, 0.1])

    assert profit(sample, 0.5, MONEY) == pytest.approx(50 - 2 * 10)
    assert offers(sample, 0.5) == 2


@given(ROWS, st.floats(0, 1.1))
def test_no_threshold_earns_more_than_the_best(
    rows: list[tuple[int, float]], other: float
) -> None:
    sample = tally(*zip(*rows, strict=True))

    best = profit(sample, best_threshold(sample, MONEY), MONEY)

    assert best >= profit(sample, other, MONEY) - 1e-9


@given(ROWS, st.floats(0.01, 1), st.floats(0, 1.1))
def test_the_best_threshold_keeps_to_capacity_and_is_best_within(
    rows: list[tuple[int, float]], share: float, other: float
) -> None:
    sample = tally(*zip(*rows, strict=True))
    most = share * len(rows) + 1e-6

    best = best_threshold(sample, MONEY, share)

    assert offers(sample, best) <= most
    if offers(sample, other) <= most:
        assert profit(sample, best, MONEY) >= profit(sample, other, MONEY) - 1e-9


@given(ROWS)
def test_the_curve_says_what_each_threshold_earns(
    rows: list[tuple[int, float]],
) -> None:
    sample = tally(*zip(*rows, strict=True))

    thresholds, number, money = profit_curve(sample, MONEY)

    assert money == pytest.approx([profit(sample, t, MONEY) for t in thresholds])
    assert number == pytest.approx([offers(sample, t) for t in thresholds])


def test_nobody_gets_an_offer_that_cannot_pay() -> None:
    hopeless = EconomicsParams(success_rate=0.0)

    assert best_threshold(tally([1, 1], [1.0, 0.9]), hopeless) == NOBODY


@pytest.mark.parametrize(("capacity", "share"), [(None, 1), (5, 0.5), (50, 1)])
def test_capacity_is_a_share_of_a_campaign(capacity: int | None, share: float) -> None:
    assert capacity_share(EconomicsParams(capacity=capacity), 10) == share


@given(ROWS, st.integers(1, 40))
def test_targets_are_the_best_that_pay_within_capacity(
    rows: list[tuple[int, float]], capacity: int
) -> None:
    chances = np.array([chance for _, chance in rows])
    money = MONEY.model_copy(update={"capacity": capacity})

    table = targets(range(len(rows)), chances, money)

    paying = np.sort(chances[expected_value(chances, money) > 0])[::-1]
    assert table["probability"].to_pylist() == paying[:capacity].tolist()
    assert table["rank"].to_pylist() == list(range(1, table.num_rows + 1))


def test_equal_customers_are_ranked_by_key() -> None:
    table = targets(["c", "a", "b"], [0.5, 0.5, 0.9], MONEY)

    assert table["customer_id"].to_pylist() == ["b", "a", "c"]


def test_nobody_below_the_threshold_is_a_target() -> None:
    table = targets([1, 2], [0.5, 0.9], MONEY, threshold=0.6, entity="id")

    assert table.to_pylist() == [
        {"rank": 1, "id": 2, "probability": 0.9, "expected_value": pytest.approx(35.0)}
    ]
