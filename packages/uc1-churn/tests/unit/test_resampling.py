import numpy as np
import pytest

from uc1_churn.evaluation.metrics import Floats, Scored, roc_auc
from uc1_churn.evaluation.resampling import (
    Statistic,
    bootstrap,
    customer_codes,
    interval,
    replicates,
)


def test_rows_of_a_customer_are_drawn_together() -> None:
    codes = customer_codes(["a", "b", "a", "c", "b"])

    for weights in replicates(codes, 20, seed=1):
        assert weights[0] == weights[2]
        assert weights[1] == weights[4]


def test_each_sample_draws_as_many_customers_as_there_are() -> None:
    drawn = [weights.sum() for weights in replicates(np.arange(30), 20, seed=1)]

    assert drawn == [30.0] * 20


def test_the_same_seed_gives_the_same_samples() -> None:
    first, second = (list(replicates(np.arange(9), 5, seed=7)) for _ in range(2))

    assert np.array_equal(first, second)


def test_the_bootstrap_error_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(3).normal(size=400)

    def mean(weights: Floats | None) -> tuple[float]:
        return (float(np.average(values, weights=weights)),)

    spread = bootstrap(mean, np.arange(400), 2_000, seed=0).std()

    assert spread == pytest.approx(values.std() / np.sqrt(400), rel=0.06)


def area_of(scored: Scored) -> Statistic:
    return lambda weights: (roc_auc(scored.tally(weights)),)


def test_intervals_cover_the_truth_when_rows_come_in_customers() -> None:
    # Three alike rows a customer. Churners score N(1, 1), others N(0, 1), so that
    # the true area is Phi(1 / sqrt 2). Of 200 intervals of 90 %, 168 to 191 cover it
    # in all but 4 of 1,000 seeds; intervals over rows cover it about 136 times.
    truth, random = 0.760250, np.random.default_rng(11)
    codes, covered = np.repeat(np.arange(120), 3), 0
    for seed in range(200):
        churned = random.integers(0, 2, 120)
        scores = 1 / (1 + np.exp(-random.normal(churned)))
        scored = Scored(np.repeat(churned, 3), np.repeat(scores, 3))
        values = bootstrap(area_of(scored), codes, 100, seed)
        low, high = interval(values[:, 0], roc_auc(scored.tally()), 0.9)
        covered += low <= truth <= high

    assert 168 <= covered <= 191


def test_a_sample_without_churners_does_not_spoil_the_interval() -> None:
    values = np.array([np.nan, *np.linspace(0, 1, 101)])

    assert interval(values, 0.5, 0.5) == pytest.approx((0.25, 0.75))
