"""Why simulated customers leave: a hazard in columns that everybody can see."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Idle time counts up to here: half a year without a purchase is as bad as a year.
IDLE_CAP_DAYS = 180
DAYS_PER_MONTH = 30
REFERENCE_AGE = 45
REFERENCE_ORDER_VALUE = 50.0


@dataclass(frozen=True, slots=True)
class Hazard:
    """Coefficients of the probability to churn within the following month.

    The discrete-time logistic hazard, with every input a visible column::

        logit p = intercept
                + log_tenure      · ln(1 + tenure_months)
                + idle_month      · min(days_since_last_purchase, 180) / 30
                + ticket          · support_tickets_count
                + log_purchases   · ln(1 + total_purchases / (1 + tenure_months))
                + log_order_value · ln(avg_order_value / 50)       (0 where NULL)
                + decade          · (age - 45) / 10

    A positive coefficient makes customers leave. `gender` plays no part.

    Attributes:
        intercept: Log-odds of a reference customer: new, 45 years old, just bought,
            no tickets, orders of 50.
        log_tenure: Per unit of the log of tenure in months.
        idle_month: Per month (30 days) without a purchase.
        ticket: Per support ticket of the last three months.
        log_purchases: Per unit of the log of purchases a month.
        log_order_value: Per unit of the log of the mean order value.
        decade: Per ten years of age.

    References:
        P. D. Allison (1982). Discrete-time methods for the analysis of event
        histories. Sociological Methodology 13, 61-98.
    """

    intercept: float = -1.4
    log_tenure: float = -0.55
    idle_month: float = 0.5
    ticket: float = 0.9
    log_purchases: float = -0.9
    log_order_value: float = -0.35
    decade: float = -0.1


def true_probability(
    table: pa.Table | pa.RecordBatch, hazard: Hazard | None = None
) -> np.ndarray:
    """Return the exact churn probability of each simulated row.

    Args:
        table: n rows with the columns of the simulated `customers` table.
        hazard: The coefficients that drew the rows; the defaults when omitted.

    Returns:
        Probabilities in (0, 1), shape (n,), float64.

    Examples:
        >>> row = pa.table({
        ...     "age": [45], "tenure_months": [0], "total_purchases": [0],
        ...     "avg_order_value": pa.array([None], pa.float64()),
        ...     "days_since_last_purchase": [0], "support_tickets_count": [0]})
        >>> true_probability(row, Hazard(intercept=0.0))
        array([0.5])
    """
    by = hazard or Hazard()
    tenure = _floats(table, "tenure_months")
    idle = np.minimum(_floats(table, "days_since_last_purchase"), IDLE_CAP_DAYS)
    monthly = _floats(table, "total_purchases") / (1 + tenure)
    value = np.log(_floats(table, "avg_order_value") / REFERENCE_ORDER_VALUE)
    logit = (
        by.intercept
        + by.log_tenure * np.log1p(tenure)
        + by.idle_month * idle / DAYS_PER_MONTH
        + by.ticket * _floats(table, "support_tickets_count")
        + by.log_purchases * np.log1p(monthly)
        + by.log_order_value * np.nan_to_num(value, nan=0.0)
        + by.decade * (_floats(table, "age") - REFERENCE_AGE) / 10
    )
    return np.asarray(1 / (1 + np.exp(-logit)))


def _floats(table: pa.Table | pa.RecordBatch, column: str) -> np.ndarray:
    """Return a column as float64 with NaN for NULL."""
    values = pc.cast(table.column(column), pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
