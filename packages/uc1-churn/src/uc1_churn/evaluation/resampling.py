"""Bootstrap intervals that resample customers, not rows.

Rows of one customer are alike, so drawing rows would count the same evidence many
times and give intervals that are too short. A replicate is a vector of row
weights, made and dropped one at a time: memory does not grow with replicates.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlops_common.progress import step
from uc1_churn.evaluation.metrics import Floats

Statistic = Callable[[Floats | None], Sequence[float]]
Kind = Literal["percentile", "basic"]


class Interval(NamedTuple):
    """A two-sided interval."""

    low: float
    high: float


def customer_codes(customers: Any) -> NDArray[np.intp]:
    """Return for n customer keys their (n,) numbers from 0, equal keys alike.

    Examples:
        >>> customer_codes(["b", "a", "b"]).tolist()
        [0, 1, 0]
    """
    if isinstance(customers, pa.ChunkedArray):
        customers = customers.combine_chunks()
    keys = customers if isinstance(customers, pa.Array) else pa.array(customers)
    indices = pc.dictionary_encode(keys).indices
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.intp)


def replicates(codes: NDArray[np.intp], count: int, seed: int) -> Iterator[Floats]:
    """Yield the (n,) row weights of `count` bootstrap samples of customers.

    Each draws as many customers as there are, with replacement; a row weighs as
    often as its customer was drawn (a multinomial count).

    Args:
        codes: (n,) customer number of each row, from 0 without gaps.
        count: Number of samples.
        seed: The same seed gives the same samples.
    """
    random = np.random.default_rng(seed)
    customers = int(codes.max()) + 1
    for _ in range(count):
        drawn = random.integers(0, customers, customers)
        yield np.bincount(drawn, minlength=customers)[codes].astype(np.float64)


def bootstrap(
    statistic: Statistic, codes: NDArray[np.intp], count: int, seed: int
) -> NDArray[np.float64]:
    """Return the (count, k) values of k statistics over bootstrap samples.

    Statistics computed together see the same samples, which makes differences
    between them paired.

    Args:
        statistic: Returns k values for (n,) row weights.
        codes: (n,) customer number of each row.
        count: Number of samples.
        seed: The same seed gives the same values.

    References:
        B. Efron, R. J. Tibshirani (1993). An introduction to the bootstrap.
        Chapman & Hall, chapters 6 and 13.
        C. A. Field, A. H. Welsh (2007). Bootstrapping clustered data. J. R. Stat.
        Soc. B 69(3), 369-390.
    """
    values = []
    with step("Bootstrap", total=count) as advance:
        for weights in replicates(codes, count, seed):
            values.append(statistic(weights))
            advance(1)
    return np.asarray(values, dtype=np.float64)


def interval(
    values: Floats, estimate: float, confidence: float, kind: Kind = "percentile"
) -> Interval:
    """Return the bootstrap interval of a statistic.

    `percentile` reads the quantiles of the replicates. `basic` mirrors them at the
    estimate: for a statistic with a bias, such as the calibration error, which
    resampling raises once more, mirroring takes the bias back.

    Args:
        values: (m,) replicates; NaN (a sample without churners) is left out.
        estimate: The statistic on the whole sample.
        confidence: Two-sided level, in (0, 1).
        kind: Which of the two.

    Examples:
        >>> interval(np.arange(101.0), 40.0, 0.5)
        Interval(low=25.0, high=75.0)
        >>> interval(np.arange(101.0), 40.0, 0.5, "basic")
        Interval(low=5.0, high=55.0)

    References:
        B. Efron, R. J. Tibshirani (1993), chapter 13 (percentile).
        A. C. Davison, D. V. Hinkley (1997). Bootstrap methods and their
        application. Cambridge University Press, section 5.2 (basic).
    """
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    if kind == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    return Interval(float(low), float(high))
