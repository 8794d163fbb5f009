from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_common.simulation import (
    SCHEMA,
    Company,
    Hazard,
    simulate,
    snapshot_instants,
    true_probability,
)

END = date(2026, 3, 1)


def company(
    seed: int = 0, customers: int = 300, months: int = 4, **options: Any
) -> pa.Table:
    """Return a whole company as one table."""
    return pa.Table.from_batches(
        simulate(seed, customers, months, END, **options), SCHEMA
    )


@pytest.fixture(scope="module")
def large() -> pa.Table:
    """A company of some 130,000 rows, in more than one block of customers."""
    return company(customers=70_000, months=2)


def area_under_curve(score: np.ndarray, label: np.ndarray) -> float:
    """Return the ROC AUC of scores without ties, by ranks (Mann and Whitney, 1947)."""
    ranks = np.empty(score.size)
    ranks[np.argsort(score)] = np.arange(1, score.size + 1)
    positives = int(label.sum())
    excess = ranks[label == 1].sum() - positives * (positives + 1) / 2
    return float(excess / (positives * (label.size - positives)))


def test_the_same_seed_makes_the_same_company() -> None:
    assert company(seed=3).equals(company(seed=3))
    assert not company(seed=3).equals(company(seed=4))


@settings(max_examples=20, deadline=None)
@given(batch_rows=st.integers(1, 400))
def test_rows_do_not_depend_on_the_size_of_batches(batch_rows: int) -> None:
    young = Company(founded_months=1)
    batches = list(simulate(0, 100, 3, END, company=young, batch_rows=batch_rows))
    whole = company(customers=100, months=3, company=young)

    assert all(batch.num_rows <= batch_rows for batch in batches)
    assert pa.Table.from_batches(batches).equals(whole)


def test_blocks_of_customers_draw_from_streams_of_their_own(large: pa.Table) -> None:
    ids = large["customer_id"].to_numpy()
    spent = large["avg_order_value"].to_numpy()
    first, second = spent[ids <= 1000], spent[(ids > 65_536) & (ids <= 66_536)]

    assert not np.array_equal(first[:500], second[:500], equal_nan=True)


def test_a_customer_is_seen_each_month_until_they_leave() -> None:
    instants = snapshot_instants(6, END)
    seen: dict[int, list[tuple[datetime, int, int]]] = {}
    for row in company(months=6).to_pylist():
        fact = (row["observed_at"], row["churn"], row["tenure_months"])
        seen.setdefault(row["customer_id"], []).append(fact)

    for facts in seen.values():
        months = [instants.index(at) for at, _, _ in facts]
        assert months == list(range(months[0], months[0] + len(months)))
        assert [churn for _, churn, _ in facts[:-1]] == [0] * (len(facts) - 1)
        assert facts[-1][1] == 1 or months[-1] == len(instants) - 1
        tenures = [tenure for _, _, tenure in facts]
        assert tenures == list(range(tenures[0], tenures[0] + len(tenures)))
        assert months[0] == 0 or tenures[0] == 0


def test_the_first_snapshot_has_the_wanted_size_and_others_follow() -> None:
    rows = company(customers=200, months=3)
    months = rows.group_by("observed_at").aggregate([([], "count_all")]).to_pylist()
    sizes = {row["observed_at"]: row["count_all"] for row in months}
    instants = snapshot_instants(3, END)

    assert sizes[instants[0]] == 200
    assert sorted(sizes) == instants
    assert pc.max(rows["customer_id"]).as_py() == 200 + 2 * 22


@pytest.mark.parametrize(
    ("end", "months", "expected"),
    [
        (date(2026, 3, 1), 3, [(2025, 12, 1), (2026, 1, 1), (2026, 2, 1)]),
        (date(2026, 1, 31), 2, [(2025, 11, 28), (2025, 12, 28)]),
        (date(2026, 11, 23), 1, [(2026, 10, 23)]),
    ],
)
def test_the_last_snapshot_lies_a_month_before_the_end(
    end: date, months: int, expected: list[tuple[int, int, int]]
) -> None:
    assert snapshot_instants(months, end) == [
        datetime(*day, tzinfo=UTC) for day in expected
    ]


def test_values_are_plausible(large: pa.Table) -> None:
    never = pc.equal(large["total_purchases"], 0)

    assert pc.is_null(large["avg_order_value"]).equals(never)
    assert 0.05 < pc.mean(never.cast(pa.float64())).as_py() < 0.3
    assert pc.min(large["avg_order_value"]).as_py() > 0
    assert pc.min_max(large["age"]).as_py()["min"] == 18
    assert pc.min_max(large["age"]).as_py()["max"] <= 90
    assert pc.min(large["days_since_last_purchase"]).as_py() == 0
    assert set(pc.unique(large["gender"]).to_pylist()) == {"female", "male", "other"}


def test_churn_is_drawn_with_the_true_probability(large: pa.Table) -> None:
    """Each of 20 bins lies within 4.5 binomial standard deviations.

    A right simulation fails this with a probability of 20 × 7e-6.
    """
    probability = true_probability(large)
    churn = large["churn"].to_numpy()
    order = np.argsort(probability)

    for rows in np.array_split(order, 20):
        p = probability[rows]
        deviation = np.sqrt((p * (1 - p)).sum())
        assert abs(churn[rows].sum() - p.sum()) < 4.5 * deviation


def test_churn_is_as_frequent_and_as_predictable_as_documented(
    large: pa.Table,
) -> None:
    probability = true_probability(large)
    churn = large["churn"].to_numpy()

    assert 0.08 < churn.mean() < 0.15
    assert 0.80 < area_under_curve(probability, churn) < 0.88


def test_the_base_is_steady() -> None:
    """No month churns or lasts otherwise than the others, so no drift is planted."""
    rows = company(customers=20_000, months=8)
    months = rows.group_by("observed_at").aggregate(
        [("churn", "mean"), ("tenure_months", "mean"), ([], "count_all")]
    )
    for column in ("churn_mean", "tenure_months_mean", "count_all"):
        values = months[column].to_numpy()
        assert np.ptp(values) / values.mean() < 0.15


def test_the_hazard_is_the_documented_formula() -> None:
    hazard = Hazard(
        intercept=0.5,
        log_tenure=-0.25,
        idle_month=1.0,
        ticket=2.0,
        log_purchases=-3.0,
        log_order_value=4.0,
        decade=0.125,
    )
    row = pa.table(
        {
            "age": [65],
            "tenure_months": [3],
            "total_purchases": [8],
            "avg_order_value": [100.0],
            "days_since_last_purchase": [45],
            "support_tickets_count": [1],
        }
    )
    logit = 0.5 - 0.25 * np.log(4) + 1.5 + 2 - 3 * np.log(3) + 4 * np.log(2) + 0.25

    assert true_probability(row, hazard) == pytest.approx(1 / (1 + np.exp(-logit)))


def test_another_hazard_draws_another_company() -> None:
    calm = Company(hazard=replace(Hazard(), intercept=-30.0), monthly_joins=0.0)
    rows = company(company=calm)

    assert rows.num_rows == 300 * 4
    assert pc.sum(rows["churn"]).as_py() == 0


@pytest.mark.parametrize(
    "sizes", [(-1, 1, 1, 1), (0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 0)]
)
def test_impossible_sizes_are_refused(sizes: tuple[int, int, int, int]) -> None:
    seed, customers, months, batch_rows = sizes

    with pytest.raises(ValueError, match="must be at least 1"):
        next(simulate(seed, customers, months, END, batch_rows=batch_rows))


def test_nothing_is_made_before_it_is_asked_for() -> None:
    batches = simulate(0, 10**9, 240, END)

    assert isinstance(batches, Iterator)
    assert next(batches).num_rows > 0
