"""What a model is worth on rows that it did not see, with intervals.

`Evaluation` is the whole result: it is stored as JSON with the tracking run, and
the report, the gate and the command line read it from there.
"""

from typing import Any, TypeAlias

import numpy as np
from pydantic import Field

from mlops_common.errors import ContractError
from mlops_common.refs import Ref
from uc1_churn.config import ChurnParams, TrainingParams
from uc1_churn.evaluation import economics, metrics
from uc1_churn.evaluation.metrics import Floats, Scored, Tally
from uc1_churn.evaluation.resampling import (
    Interval,
    Kind,
    bootstrap,
    customer_codes,
    interval,
)

Points: TypeAlias = tuple[tuple[float, ...], ...]

CURVE_POINTS = 200
TITLES = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error",
    "profit": "Profit",
}


class Estimate(Ref):
    """A figure with its bootstrap interval.

    Attributes:
        value: The figure on the sample.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


class Curves(Ref):
    """What the plots draw; each at most 201 points.

    Attributes:
        roc: (false positive rate, true positive rate).
        precision_recall: (recall, precision).
        reliability: (mean probability, observed churn rate, rows) of each bin.
        profit: (share of customers with an offer, profit).
    """

    roc: Points
    precision_recall: Points
    reliability: Points
    profit: Points


class Evaluation(Ref):
    """How a model did on held-out rows.

    Attributes:
        rows: Held-out rows.
        customers: Distinct customers among them.
        churned: Rows that churned.
        confidence: Level of the intervals.
        metrics: `roc_auc`, `pr_auc`, `brier`, `log_loss`, `calibration_error` and
            `profit`, the latter at `threshold` over all held-out rows.
        threshold: Least probability that gets an offer, chosen on out-of-fold
            predictions of the training rows: no held-out row took part.
        offers: Held-out rows at or above it.
        curves: Points to draw.
        importance: Fall of the ROC AUC when a feature's values are shuffled.
    """

    rows: int
    customers: int
    churned: int
    confidence: float
    metrics: dict[str, Estimate]
    threshold: float
    offers: int
    curves: Curves
    importance: dict[str, float] = Field(default_factory=dict)

    def flat(self) -> dict[str, float]:
        """Return every figure under one name, ends as `<name>_low` and `_high`."""
        figures = {"threshold": self.threshold, "offers": float(self.offers)}
        for name, estimate in self.metrics.items():
            figures[name] = estimate.value
            figures[f"{name}_low"] = estimate.low
            figures[f"{name}_high"] = estimate.high
        return figures


def evaluate(
    labels: Any,
    probabilities: Any,
    customers: Any,
    threshold: float,
    params: ChurnParams,
) -> Evaluation:
    """Judge probabilities on n held-out rows.

    Intervals come from one bootstrap over customers for all figures; those of the
    calibration error are `basic`, of the others `percentile` (see `resampling`).

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) in [0, 1].
        customers: (n,) keys.
        threshold: Chosen on other rows.
        params: Of the run: economics, replicates, level, seed.

    Raises:
        ContractError: One class only, or what `metrics.Scored` refuses.
    """
    scored = Scored(labels, probabilities)
    whole = scored.tally()
    require_both_classes(whole)
    codes = customer_codes(customers)
    estimates = _estimates(scored, codes, threshold, params)
    return Evaluation(
        rows=len(scored.labels),
        customers=int(codes.max()) + 1,
        churned=int(scored.labels.sum()),
        confidence=params.training.confidence,
        metrics=estimates,
        threshold=threshold,
        offers=round(economics.offers(whole, threshold)),
        curves=curves(whole, params),
    )


def compare(
    labels: Any,
    challenger: Any,
    champion: Any,
    customers: Any,
    params: TrainingParams,
) -> Estimate:
    """Return by how much the challenger's ROC AUC exceeds the champion's.

    Both are judged on the same rows of the same resampled customers, so that what
    the rows have in common cancels out of the interval.

    Args:
        labels: (n,) 0 or 1.
        challenger: (n,) probabilities of the new model.
        champion: (n,) probabilities of the serving model.
        customers: (n,) keys.
        params: Replicates, level and seed.

    Raises:
        ContractError: One class only, or what `metrics.Scored` refuses.
    """
    new, old = Scored(labels, challenger), Scored(labels, champion)
    require_both_classes(new.tally())

    def difference(weights: Floats | None) -> tuple[float]:
        return (
            metrics.roc_auc(new.tally(weights)) - metrics.roc_auc(old.tally(weights)),
        )

    (value,) = difference(None)
    values = bootstrap(
        difference, customer_codes(customers), params.bootstrap_replicates, params.seed
    )
    return _estimate(value, interval(values[:, 0], value, params.confidence))


def curves(sample: Tally, params: ChurnParams) -> Curves:
    """Return the points of the four curves of `sample`."""
    found, chosen = np.cumsum(sample.churned[::-1]), np.cumsum(sample.weights[::-1])
    recall, false = found / found[-1], (chosen - found) / (chosen - found)[-1]
    claimed, gap, weight = metrics.reliability(sample, params.training.calibration_bins)
    _, number, money = economics.profit_curve(sample, params.economics)
    return Curves(
        roc=((0.0, 0.0), *_points(false, recall)),
        precision_recall=_points(recall, found / chosen),
        reliability=_points(claimed, claimed + gap, weight),
        profit=_points(number / number[-1], money),
    )


def require_both_classes(sample: Tally) -> None:
    """Check that there are churners and others to tell apart.

    Raises:
        ContractError: One class only.
    """
    if not sample.churned.sum() or not sample.stayed.sum():
        only = "churned" if sample.churned.sum() else "stayed"
        raise ContractError(
            f"all {sample.weights.sum():.0f} rows to judge on {only}; "
            "both outcomes are needed: check the label and its positive value, or "
            "hold out more rows (training.test_fraction)"
        )


def _estimates(
    scored: Scored, codes: Any, threshold: float, params: ChurnParams
) -> dict[str, Estimate]:
    training = params.training

    def figures(weights: Floats | None) -> tuple[float, ...]:
        sample = scored.tally(weights)
        return (
            metrics.roc_auc(sample),
            metrics.pr_auc(sample),
            metrics.brier(sample),
            metrics.log_loss(sample),
            metrics.calibration_error(sample, training.calibration_bins),
            economics.profit(sample, threshold, params.economics),
        )

    values = bootstrap(figures, codes, training.bootstrap_replicates, training.seed)
    estimates = {}
    for name, value, column in zip(TITLES, figures(None), values.T, strict=True):
        kind: Kind = "basic" if name == "calibration_error" else "percentile"
        ends = interval(column, value, training.confidence, kind)
        estimates[name] = _estimate(value, ends)
    error = estimates["calibration_error"]
    # Mirroring may leave the estimate outside, or go below the least possible value.
    low, high = max(0.0, min(error.low, error.value)), max(error.high, error.value)
    estimates["calibration_error"] = error.model_copy(update={"low": low, "high": high})
    return estimates


def _estimate(value: float, ends: Interval) -> Estimate:
    return Estimate(value=value, low=ends.low, high=ends.high)


def _points(*coordinates: Floats) -> Points:
    """Return at most `CURVE_POINTS` of the points, evenly, with both ends."""
    number = len(coordinates[0])
    keep = np.unique(np.linspace(0, number - 1, CURVE_POINTS).astype(np.intp))
    columns = (values[keep].tolist() for values in coordinates)
    return tuple(zip(*columns, strict=True))
