"""How well probabilities tell churners apart, and how far they can be believed.

Every metric reads a `Tally`: the weight of churners and of others at each distinct
probability. Rows of equal probability are thus never ordered by chance, and a
reweighted sample costs one pass over the rows, which makes the bootstrap cheap.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlops_common.errors import ContractError

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """Weights at each distinct probability.

    Attributes:
        probabilities: (g,) distinct values in [0, 1], increasing.
        churned: (g,) weight of the rows that churned.
        stayed: (g,) weight of the rows that did not.
    """

    probabilities: Floats
    churned: Floats
    stayed: Floats

    @property
    def weights(self) -> Floats:
        """(g,) weight of all rows."""
        return self.churned + self.stayed


class Scored:
    """Labels and probabilities of n rows, sorted once, tallied under any weights.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) in [0, 1].

    Raises:
        ContractError: The lengths differ, there are no rows, a label is not 0 or 1,
            or a probability lies outside [0, 1].

    Examples:
        >>> tally = Scored([1, 0, 1], [0.5, 0.5, 0.9]).tally()
        >>> tally.probabilities.tolist(), tally.churned.tolist()
        ([0.5, 0.9], [1.0, 1.0])
    """

    def __init__(self, labels: Any, probabilities: Any) -> None:
        self.labels: Floats = np.asarray(labels, dtype=np.float64)
        self.probabilities: Floats = np.asarray(probabilities, dtype=np.float64)
        _check(self.labels, self.probabilities)
        self._values, self._group = np.unique(self.probabilities, return_inverse=True)

    def tally(self, weights: Any = None) -> Tally:
        """Return the tally under the rows' `weights`, (n,) and >= 0; 1 if omitted."""
        rows = np.ones_like(self.labels) if weights is None else np.asarray(weights)
        churned = self._sums(rows * self.labels)
        return Tally(self._values, churned, self._sums(rows * (1 - self.labels)))

    def _sums(self, values: Floats) -> Floats:
        sums = np.bincount(self._group, values, len(self._values))
        return np.asarray(sums, dtype=np.float64)


def tally(labels: Any, probabilities: Any, weights: Any = None) -> Tally:
    """Return the tally of (n,) labels and probabilities; see `Scored`."""
    return Scored(labels, probabilities).tally(weights)


def roc_auc(sample: Tally) -> float:
    """Return the area under the ROC curve; NaN where a class has no weight.

    It is the probability that a random churner gets a higher probability than a
    random other customer, ties counting half: the Mann-Whitney statistic.

    Examples:
        >>> roc_auc(tally([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]))
        0.75

    References:
        J. A. Hanley, B. J. McNeil (1982). The meaning and use of the area under a
        receiver operating characteristic (ROC) curve. Radiology 143(1), 29-36.
    """
    pairs = float(sample.churned.sum() * sample.stayed.sum())
    if pairs == 0:
        return float("nan")
    below = np.cumsum(sample.stayed) - sample.stayed / 2
    return _product(sample.churned, below) / pairs


def pr_auc(sample: Tally) -> float:
    """Return the average precision, the area under the precision-recall steps.

    No line is drawn between the points, since precision is not linear in recall.
    NaN where no row churned.

    Examples:
        >>> round(pr_auc(tally([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])), 4)
        0.8333

    References:
        J. Davis, M. Goadrich (2006). The relationship between precision-recall and
        ROC curves. ICML, 233-240.
    """
    total = float(sample.churned.sum())
    if total == 0:
        return float("nan")
    found = np.cumsum(sample.churned[::-1])
    chosen = np.cumsum(sample.weights[::-1])
    precision = np.divide(found, chosen, out=np.zeros_like(found), where=chosen > 0)
    return _product(sample.churned[::-1], precision) / total


def brier(sample: Tally) -> float:
    """Return the mean squared difference of probability and outcome; 0 is perfect.

    Examples:
        >>> round(brier(tally([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3])), 4)
        0.0375

    References:
        G. W. Brier (1950). Verification of forecasts expressed in terms of
        probability. Monthly Weather Review 78(1), 1-3.
    """
    p = sample.probabilities
    squares = sample.churned * (1 - p) ** 2 + sample.stayed * p**2
    return _mean(squares, sample)


def log_loss(sample: Tally) -> float:
    """Return the mean negative log likelihood, in nats.

    Probabilities are kept one machine epsilon away from 0 and 1, so that one
    certain mistake does not make the loss infinite.

    Examples:
        >>> round(log_loss(tally([1, 0, 0, 1], [0.9, 0.1, 0.2, 0.65])), 4)
        0.2162

    References:
        I. J. Good (1952). Rational decisions. J. R. Stat. Soc. B 14(1), 107-114.
    """
    epsilon = np.finfo(np.float64).eps
    p = np.clip(sample.probabilities, epsilon, 1 - epsilon)
    losses = sample.churned * np.log(p) + sample.stayed * np.log1p(-p)
    return -_mean(losses, sample)


def calibration_error(sample: Tally, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal weight.

    The mean over bins, by weight, of |observed churn rate - mean probability|.
    Bins of equal mass, unlike bins of equal width, are never nearly empty. The
    estimate is biased upwards: noise in each bin counts as error.

    Args:
        sample: The tally of the rows.
        bins: Number of bins, at least 1. Equal probabilities share a bin.

    Examples:
        >>> round(calibration_error(tally([0, 1, 1, 1], [0.2, 0.4, 0.6, 0.8]), 2), 4)
        0.25

    References:
        M. P. Naeini, G. F. Cooper, M. Hauskrecht (2015). Obtaining well calibrated
        probabilities using Bayesian binning. AAAI, 2901-2907.
        J. Nixon et al. (2019). Measuring calibration in deep learning. CVPR
        Workshops (adaptive bins).
    """
    _, gaps, weights = reliability(sample, bins)
    return _product(np.abs(gaps), weights) / float(weights.sum())


def reliability(sample: Tally, bins: int = 10) -> tuple[Floats, Floats, Floats]:
    """Return mean probability, churn rate minus it, and weight of each filled bin.

    Args:
        sample: The tally of the rows.
        bins: Number of bins of equal weight, at least 1.

    Returns:
        Three arrays of b <= `bins` values, by increasing probability.
    """
    weights = sample.weights
    middles = np.cumsum(weights) - weights / 2
    edges = weights.sum() * np.arange(1, bins) / bins
    inside = np.searchsorted(middles, edges)
    starts = np.unique([0, *inside[inside < len(middles)]])
    mass, claimed, happened = (
        np.add.reduceat(values, starts)
        for values in (weights, weights * sample.probabilities, sample.churned)
    )
    filled = mass > 0
    mass, claimed, happened = mass[filled], claimed[filled], happened[filled]
    return claimed / mass, (happened - claimed) / mass, mass


def _product(left: Floats, right: Floats) -> float:
    """Return the scalar product; BLAS would wake threads that cost more than it."""
    return float((left * right).sum())


def _mean(sums: Floats, sample: Tally) -> float:
    return float(sums.sum() / sample.weights.sum())


def _check(labels: Floats, probabilities: Floats) -> None:
    if labels.shape != probabilities.shape or labels.ndim != 1 or not len(labels):
        raise ContractError(
            "expected as many labels as probabilities and at least one, "
            f"found {labels.shape} and {probabilities.shape}"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ContractError("labels must be 0 or 1")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ContractError("probabilities must lie in [0, 1]")
