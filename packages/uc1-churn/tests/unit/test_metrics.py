import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from mlops_common.errors import ContractError
from uc1_churn.evaluation.metrics import (
    Scored,
    brier,
    calibration_error,
    log_loss,
    pr_auc,
    reliability,
    roc_auc,
    tally,
)

ROWS = 40


@st.composite
def weighted_rows(
    draw: st.DrawFn,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = draw(arrays(np.int8, ROWS, elements=st.integers(0, 1)))
    labels[:2] = 0, 1
    scores = draw(arrays(np.float64, ROWS, elements=st.integers(0, 20))) / 20
    weights = draw(arrays(np.float64, ROWS, elements=st.integers(0, 5)))
    weights[:2] = 1
    return labels, scores, weights


@given(weighted_rows())
def test_every_metric_equals_that_of_scikit_learn(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    labels, scores, weights = rows
    sample = tally(labels, scores, weights)

    ours = [roc_auc(sample), pr_auc(sample), brier(sample), log_loss(sample)]

    theirs = [
        reference.roc_auc_score(labels, scores, sample_weight=weights),
        reference.average_precision_score(labels, scores, sample_weight=weights),
        reference.brier_score_loss(labels, scores, sample_weight=weights),
        reference.log_loss(labels, scores, sample_weight=weights),
    ]
    assert ours == pytest.approx(theirs, abs=1e-12, rel=1e-12)


@given(weighted_rows())
def test_a_weight_counts_as_repeated_rows(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    labels, scores, weights = rows
    times = weights.astype(int)
    repeated = tally(np.repeat(labels, times), np.repeat(scores, times))

    assert calibration_error(tally(labels, scores, weights)) == pytest.approx(
        calibration_error(repeated), abs=1e-12
    )


def test_roc_auc_matches_the_published_example() -> None:
    # Hanley & McNeil (1982), table I: 58 normal and 51 abnormal CT images.
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    labels = np.repeat([0] * 5 + [1] * 5, normal + abnormal)
    ratings = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9] * 2, normal + abnormal)

    assert roc_auc(tally(labels, ratings)) == pytest.approx(0.893, abs=5e-4)


def test_average_precision_adds_the_steps_by_hand() -> None:
    # Ranked: hit, miss, hit, miss, hit. Precision at the hits: 1, 2/3, 3/5.
    sample = tally([1, 0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.5])

    assert pr_auc(sample) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_brier_score_adds_the_squares_by_hand() -> None:
    assert brier(tally([1, 0], [0.7, 0.4])) == pytest.approx((0.09 + 0.16) / 2)


def test_log_loss_of_a_coin_is_ln_2() -> None:
    assert log_loss(tally([1, 0, 1], [0.5] * 3)) == pytest.approx(np.log(2))


def test_calibration_error_averages_the_gaps_of_the_bins_by_hand() -> None:
    # Two bins of two rows: |1/2 - 0.2| and |2/2 - 0.7|.
    sample = tally([0, 1, 1, 1], [0.1, 0.3, 0.6, 0.8])

    assert calibration_error(sample, bins=2) == pytest.approx(0.3)


def test_equal_probabilities_share_a_bin() -> None:
    claimed, gaps, rows = reliability(tally([0, 1, 0, 1], [0.5] * 4), bins=4)

    assert (claimed.tolist(), gaps.tolist(), rows.tolist()) == ([0.5], [0.0], [4.0])


def test_an_area_without_churners_is_not_a_number() -> None:
    sample = tally([0, 0], [0.1, 0.2])

    assert np.isnan([roc_auc(sample), pr_auc(sample)]).all()


@pytest.mark.parametrize(
    ("labels", "probabilities", "problem"),
    [
        ([], [], "at least one"),
        ([1, 0], [0.5], "as many labels"),
        ([2, 0], [0.5, 0.5], "labels must be 0 or 1"),
        ([1, 0], [0.5, float("nan")], r"lie in \[0, 1\]"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(
    labels: list[int], probabilities: list[float], problem: str
) -> None:
    with pytest.raises(ContractError, match=problem):
        Scored(labels, probabilities)
