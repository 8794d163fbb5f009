import pytest

from mlops_common.errors import RefusedError
from mlops_common.refs import ModelRef
from uc1_churn.config import GateParams
from uc1_churn.evaluation.holdout import Curves, Estimate, Evaluation
from uc1_churn.gate import decide, enforce, require_unchanged

LIMITS = GateParams(
    min_roc_auc=0.7, max_calibration_error=0.1, min_profit=0, tolerance=0.005
)


def figure(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.01, high=value + 0.01)


def judged(
    roc_auc: float = 0.8, calibration_error: float = 0.02, profit: float = 100
) -> Evaluation:
    metrics = {
        "roc_auc": figure(roc_auc),
        "calibration_error": figure(calibration_error),
        "profit": figure(profit),
    }
    return Evaluation(
        rows=10,
        customers=10,
        churned=5,
        confidence=0.95,
        metrics=metrics,
        threshold=0.5,
        offers=5,
        curves=Curves(roc=(), precision_recall=(), reliability=(), profit=()),
    )


def ahead(low: float) -> Estimate:
    return Estimate(value=low + 0.01, low=low, high=low + 0.02)


@pytest.mark.parametrize(
    ("evaluation", "passes"),
    [
        (judged(), True),
        (judged(roc_auc=0.7), True),
        (judged(roc_auc=0.6999), False),
        (judged(calibration_error=0.1), True),
        (judged(calibration_error=0.1001), False),
        (judged(profit=0.0), True),
        (judged(profit=-0.01), False),
        (judged(roc_auc=float("nan")), False),
    ],
)
def test_without_a_champion_only_the_absolute_limits_count(
    evaluation: Evaluation, *, passes: bool
) -> None:
    assert decide(evaluation, LIMITS).passed == passes


@pytest.mark.parametrize(
    ("low", "passes"),
    [(0.01, True), (0.0, True), (-0.005, True), (-0.0051, False)],
)
def test_a_challenger_may_trail_the_champion_by_the_tolerance(
    low: float, *, passes: bool
) -> None:
    assert decide(judged(), LIMITS, ahead(low)).passed == passes


def test_a_worse_challenger_is_refused_with_the_evidence() -> None:
    decision = decide(judged(), LIMITS, ahead(-0.03))

    with pytest.raises(RefusedError, match=r"the champion, lower end -0\.03") as caught:
        enforce(decision)

    assert caught.value.evidence == {
        "ROC AUC": 0.8,
        "ROC AUC, limit": 0.7,
        "calibration error": 0.02,
        "calibration error, limit": 0.1,
        "profit": 100.0,
        "profit, limit": 0.0,
        "ROC AUC difference from the champion, lower end": -0.03,
        "ROC AUC difference from the champion, lower end, limit": -0.005,
        "ROC AUC difference": pytest.approx(-0.02),
    }


def test_a_refusal_names_every_limit_that_is_broken_and_no_other() -> None:
    decision = decide(judged(roc_auc=0.6, profit=-5), LIMITS)

    with pytest.raises(RefusedError) as caught:
        enforce(decision)

    assert "ROC AUC 0.6000 (at least 0.7000); profit -5.0000" in str(caught.value)
    assert "calibration" not in str(caught.value)


def test_a_good_challenger_passes() -> None:
    enforce(decide(judged(), LIMITS, ahead(0.001)))


def version(number: int) -> ModelRef:
    return ModelRef(name="m", version=number, run_id="r", uri="file:///m", digest="d")


@pytest.mark.parametrize(
    ("compared", "current"), [(None, None), (3, 3), (None, 5), (3, 5)]
)
def test_a_challenger_may_replace_what_it_was_compared_with_or_itself(
    compared: int | None, current: int | None
) -> None:
    decision = decide(judged(), LIMITS, champion=compared)

    require_unchanged(decision, version(5), version(current) if current else None)


@pytest.mark.parametrize(
    ("compared", "current", "says"),
    [
        (3, 4, "champion version 3, but another run promoted version 4 meanwhile"),
        (None, 4, "no champion, but another run promoted version 4 meanwhile"),
        (3, None, "champion version 3, but the champion alias was removed meanwhile"),
    ],
)
def test_a_challenger_may_not_replace_another_version(
    compared: int | None, current: int | None, says: str
) -> None:
    decision = decide(judged(), LIMITS, champion=compared)

    with pytest.raises(RefusedError, match=f"{says}.*run again") as caught:
        require_unchanged(decision, version(5), version(current) if current else None)

    assert caught.value.evidence == {
        "model": "m",
        "compared with": compared,
        "champion now": current,
    }


def test_the_champion_found_for_serving_again_may_serve() -> None:
    require_unchanged(None, version(3), version(3))


def test_a_champion_that_was_replaced_meanwhile_is_not_served_again() -> None:
    says = "champion version 3, but another run promoted version 4 meanwhile"

    with pytest.raises(RefusedError, match=says):
        require_unchanged(None, version(3), version(4))
