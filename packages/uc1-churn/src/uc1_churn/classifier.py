"""The classifier: boosted trees whose probabilities are calibrated.

scikit-learn's `CalibratedClassifierCV` would calibrate the probability of LightGBM
and forget the out-of-fold predictions. Here Platt's method works on the log-odds,
where it belongs, one set of trees answers, and the out-of-fold probabilities remain
for choosing the threshold.

Stored models name the class by its path, `uc1_churn.classifier`; it must stay.
"""

from collections.abc import Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from mlops_common.progress import step

Folds: TypeAlias = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]


class CalibratedBooster(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """LightGBM with calibrated probabilities.

    Args:
        booster: The unfitted trees.
        calibration: `sigmoid` (two numbers, safe on few rows) or `isotonic` (any
            increasing curve, for many thousand rows).

    Attributes:
        classes_: (2,) always 0 and 1.
        booster_: The trees, fitted to all rows.
        calibrator_: From log-odds of the trees to probability.
        out_of_fold_: (n,) calibrated probability of each row by trees that did not
            see it; NaN for rows that no fold held out. Removed before storing.

    References:
        J. Platt (1999). Probabilistic outputs for support vector machines and
        comparisons to regularized likelihood methods. Advances in Large Margin
        Classifiers, 61-74.
        A. Niculescu-Mizil, R. Caruana (2005). Predicting good probabilities with
        supervised learning. ICML, 625-632.
    """

    def __init__(
        self,
        booster: LGBMClassifier | None = None,
        calibration: Literal["sigmoid", "isotonic"] = "sigmoid",
    ) -> None:
        self.booster = booster
        self.calibration = calibration

    def fit(self, x: Any, y: Any, folds: Folds | None = None) -> Self:
        """Fit the trees on each fold, the calibrator on the rest, the trees on all.

        Args:
            x: (n, k) numbers; NaN is missing.
            y: (n,) 0 or 1.
            folds: (rows to learn, rows held out) of each fold; five random ones,
                stratified and seeded, when omitted.
        """
        labels = np.asarray(y)
        chosen = folds or list(
            StratifiedKFold(5, shuffle=True, random_state=0).split(x, labels)
        )
        margins = self._out_of_fold(x, labels, chosen)
        seen = ~np.isnan(margins)
        self.classes_ = np.array([0, 1])
        self.calibrator_ = _calibrator(self.calibration, margins[seen], labels[seen])
        self.booster_ = self._trees().fit(x, labels)
        self.out_of_fold_ = np.full(len(labels), np.nan)
        self.out_of_fold_[seen] = calibrated(self.calibrator_, margins[seen])
        return self

    def predict_proba(self, x: Any) -> NDArray[np.float64]:
        """Return (n, 2) probabilities of 0 and 1 for (n, k) numbers."""
        churn = calibrated(self.calibrator_, _margins(self.booster_, x))
        return np.column_stack([1 - churn, churn])

    def predict(self, x: Any) -> NDArray[np.intp]:
        """Return (n,) the more probable class of (n, k) numbers."""
        return (self.predict_proba(x)[:, 1] >= 0.5).astype(np.intp)  # noqa: PLR2004

    def _out_of_fold(self, x: Any, labels: Any, folds: Folds) -> NDArray[np.float64]:
        margins = np.full(len(labels), np.nan)
        with step("Train", total=len(folds) + 1) as advance:
            for learn, hold in folds:
                trees = self._trees().fit(x[learn], labels[learn])
                margins[hold] = _margins(trees, x[hold])
                advance(1)
        return margins

    def _trees(self) -> Any:
        return clone(self.booster or LGBMClassifier(verbose=-1))


def calibrated(
    calibrator: LogisticRegression | IsotonicRegression, margins: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) probabilities for (n,) log-odds of the trees."""
    if isinstance(calibrator, IsotonicRegression):
        return np.asarray(calibrator.predict(margins))
    return np.asarray(calibrator.predict_proba(margins[:, None])[:, 1])


def _margins(trees: LGBMClassifier, x: Any) -> NDArray[np.float64]:
    return np.asarray(trees.predict(x, raw_score=True), dtype=np.float64)


def _calibrator(
    kind: str, margins: NDArray[np.float64], labels: NDArray[Any]
) -> LogisticRegression | IsotonicRegression:
    if kind == "isotonic":
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        return curve.fit(margins, labels)
    return _platt(margins, labels)


def _platt(margins: NDArray[np.float64], labels: NDArray[Any]) -> LogisticRegression:
    """Return the logistic curve through Platt's softened labels.

    A softened label t counts as a churner of weight t and another of 1 - t; it
    keeps the curve finite where the trees separate the classes.
    """
    churned = labels.sum()
    stayed = len(labels) - churned
    soft = np.where(labels == 1, (churned + 1) / (churned + 2), 1 / (stayed + 2))
    both = np.concatenate([np.ones_like(soft), np.zeros_like(soft)])
    weights = np.concatenate([soft, 1 - soft])
    curve = LogisticRegression(C=np.inf, tol=1e-8)
    return curve.fit(np.tile(margins, 2)[:, None], both, sample_weight=weights)
