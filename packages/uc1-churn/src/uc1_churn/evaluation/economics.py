"""What retention offers earn, and to whom to make them.

An offer costs its price whoever gets it; a customer who would have left stays with
the success rate and is then worth their value. All money is in one currency.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from uc1_churn.config import EconomicsParams
from uc1_churn.evaluation.metrics import Floats, Tally

# The least number above every probability: at this threshold nobody gets an offer.
NOBODY = float(np.nextafter(1.0, 2.0))


def expected_value(probabilities: Any, economics: EconomicsParams) -> Floats:
    """Return what an offer to each customer is expected to earn.

    Args:
        probabilities: (n,) probability of churn without an offer.
        economics: Price, success rate and worth.

    Returns:
        (n,) in currency; negative where the offer costs more than it saves.

    Examples:
        >>> expected_value([0.1, 0.5], EconomicsParams()).round(2).tolist()
        [-11.0, 25.0]
    """
    worth = economics.success_rate * economics.value_per_customer
    return np.asarray(probabilities, np.float64) * worth - economics.offer_cost


def profit(sample: Tally, threshold: float, economics: EconomicsParams) -> float:
    """Return what offers to everyone at or above `threshold` would have earned.

    Who would have left is known here; that the offer keeps them is not, and enters
    as the success rate.

    Args:
        sample: The customers, with outcomes.
        threshold: Least probability that gets an offer.
        economics: Price, success rate and worth.

    Examples:
        >>> from uc1_churn.evaluation.metrics import tally
        >>> profit(tally([1, 0], [0.8, 0.6]), 0.5, EconomicsParams())
        50.0
    """
    chosen = sample.probabilities >= threshold
    return float(_earned(sample, economics)[chosen].sum())


def offers(sample: Tally, threshold: float) -> float:
    """Return the weight of the customers at or above `threshold`."""
    return float(sample.weights[sample.probabilities >= threshold].sum())


def profit_curve(
    sample: Tally, economics: EconomicsParams
) -> tuple[Floats, Floats, Floats]:
    """Return every threshold that makes a difference, its offers and its profit.

    Args:
        sample: The customers, with outcomes; g distinct probabilities.
        economics: Price, success rate and worth.

    Returns:
        Three (g + 1,) arrays by decreasing threshold, from `NOBODY` to everyone.
    """
    thresholds = np.concatenate([[NOBODY], sample.probabilities[::-1]])
    number = np.concatenate([[0.0], np.cumsum(sample.weights[::-1])])
    money = np.concatenate([[0.0], np.cumsum(_earned(sample, economics)[::-1])])
    return thresholds, number, money


def best_threshold(
    sample: Tally, economics: EconomicsParams, share: float = 1.0
) -> float:
    """Return the threshold with the highest profit that capacity allows.

    Choose it on predictions for rows that the model did not see, and report the
    profit on other rows again: the highest of many noisy values flatters itself.

    Args:
        sample: The customers, with outcomes.
        economics: Price, success rate and worth.
        share: Share of the customers that can get an offer; see `capacity_share`.

    Returns:
        A probability, or `NOBODY` where no offer pays; of equally good thresholds
        the highest, which makes the fewest offers.

    Examples:
        >>> from uc1_churn.evaluation.metrics import tally
        >>> customers = tally([1, 0, 1, 0], [0.9, 0.7, 0.4, 0.1])
        >>> best_threshold(customers, EconomicsParams())
        0.4
        >>> best_threshold(customers, EconomicsParams(), share=0.5)
        0.9
    """
    thresholds, number, money = profit_curve(sample, economics)
    allowed = number <= share * number[-1] * (1 + 1e-12)
    return float(thresholds[np.argmax(np.where(allowed, money, -np.inf))])


def capacity_share(economics: EconomicsParams, customers: int) -> float:
    """Return the share of `customers`, those of one campaign, that can get an offer.

    Examples:
        >>> capacity_share(EconomicsParams(capacity=50), 200)
        0.25
    """
    if economics.capacity is None:
        return 1.0
    return min(1.0, economics.capacity / customers)


def targets(
    customers: Any,
    probabilities: Any,
    economics: EconomicsParams,
    *,
    threshold: float = 0.0,
    entity: str = "customer_id",
) -> pa.Table:
    """Return whom to make an offer, best first.

    Args:
        customers: (n,) keys, each once.
        probabilities: (n,) probability of churn without an offer.
        economics: Price, success rate, worth and capacity.
        threshold: Least probability that gets an offer.
        entity: Name of the column of keys.

    Returns:
        Columns `rank` (from 1), `entity`, `probability` and `expected_value`: at
        most `capacity` rows, all with a positive expected value. Equal
        probabilities are ranked by key, so that the list is always the same.

    Examples:
        >>> table = targets(["a", "b", "c"], [0.5, 0.1, 0.9], EconomicsParams())
        >>> table["customer_id"].to_pylist()
        ['c', 'a']
    """
    chance = np.asarray(probabilities, np.float64)
    value = expected_value(chance, economics)
    table = pa.table(
        {entity: customers, "probability": chance, "expected_value": value}
    )
    table = table.filter(pa.array((value > 0) & (chance >= threshold)))
    ranked = table.sort_by([("probability", "descending"), (entity, "ascending")])
    ranked = ranked.slice(0, economics.capacity)
    ranks = pa.array(np.arange(1, len(ranked) + 1, dtype=np.int64))
    return ranked.add_column(0, "rank", ranks)


def _earned(sample: Tally, economics: EconomicsParams) -> Floats:
    """Return the (g,) profit of an offer to all customers of each probability."""
    saved = economics.success_rate * economics.value_per_customer * sample.churned
    return saved - economics.offer_cost * sample.weights
