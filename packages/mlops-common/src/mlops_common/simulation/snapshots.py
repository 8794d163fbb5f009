"""Monthly snapshots of the simulated company's customers, streamed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time

import numpy as np
import pyarrow as pa

from mlops_common.simulation.company import Company
from mlops_common.simulation.hazard import true_probability
from mlops_common.simulation.population import Population, newcomers

# Customers that share one random stream: part of what a seed means, so it is fixed.
BLOCK = 65_536
LAST_SAFE_DAY = 28

SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.int64(), nullable=False),
        pa.field("age", pa.int16(), nullable=False),
        pa.field("gender", pa.string(), nullable=False),
        pa.field("tenure_months", pa.int32(), nullable=False),
        pa.field("total_purchases", pa.int32(), nullable=False),
        pa.field("avg_order_value", pa.float64()),
        pa.field("days_since_last_purchase", pa.int32(), nullable=False),
        pa.field("support_tickets_count", pa.int16(), nullable=False),
        pa.field("churn", pa.int16(), nullable=False),
        pa.field("observed_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


def simulate(
    seed: int,
    customers: int,
    months: int,
    end: date,
    *,
    company: Company | None = None,
    batch_rows: int = BLOCK,
) -> Iterator[pa.RecordBatch]:
    """Yield monthly snapshots of a customer base, in bounded memory.

    A customer appears in every snapshot from joining until they leave; `churn` is 1
    in their last row, which says that they left within the following month.
    `avg_order_value` is NULL before the first purchase, and
    `days_since_last_purchase` then counts from joining. `support_tickets_count`
    covers the last three months. Each block of customers draws from a stream of its
    own, so a row depends on the seed and the sizes, never on `batch_rows`. Rows come
    block by block, and within a block month by month.

    Args:
        seed: Of all draws, at least 0.
        customers: Number in the first snapshot, at least 1.
        months: Number of snapshots, at least 1.
        end: Day up to which churn is known: the last snapshot is a month earlier.
        company: Behaviour; with the defaults about 11 % leave in a month.
        batch_rows: Most rows of a batch, at least 1.

    Yields:
        Batches of `SCHEMA`.

    Raises:
        ValueError: A number is out of range.

    Examples:
        >>> first = next(simulate(seed=0, customers=3, months=2, end=date(2026, 3, 1)))
        >>> first.num_rows, first["observed_at"][0].as_py().date().isoformat()
        (3, '2026-01-01')

    References:
        J. K. Salmon et al. (2011). Parallel random numbers: as easy as 1, 2, 3.
        Proc. SC '11, article 16 (Philox, the counter-based generator used here).
    """
    if min(customers, months, batch_rows) < 1 or seed < 0:
        raise ValueError(
            "customers, months and batch_rows must be at least 1 and seed at least 0, "
            f"got {customers}, {months}, {batch_rows} and {seed}"
        )
    behaviour = company or Company()
    instants = snapshot_instants(months, end)
    monthly = round(customers * behaviour.monthly_joins)
    total = customers + monthly * (months - 1)
    for number, first in enumerate(range(1, total + 1, BLOCK)):
        ids = np.arange(first, min(first + BLOCK, total + 1))
        joined = _months_of_joining(ids, customers, monthly)
        stream = np.random.SeedSequence(seed, spawn_key=(number,))
        rng = np.random.Generator(np.random.Philox(stream))
        for batch in _snapshots(rng, behaviour, ids, joined, instants):
            for offset in range(0, batch.num_rows, batch_rows):
                yield batch.slice(offset, batch_rows)


def snapshot_instants(months: int, end: date) -> list[datetime]:
    """Return the instants of the snapshots, midnight UTC, oldest first.

    Args:
        months: Number of snapshots.
        end: A month after the last of them; a day after the 28th counts as the 28th.

    Examples:
        >>> [f"{at:%Y-%m-%d}" for at in snapshot_instants(2, date(2026, 1, 31))]
        ['2025-11-28', '2025-12-28']
    """
    index = end.year * 12 + end.month - 1
    day = min(end.day, LAST_SAFE_DAY)
    days = (date(*_year_month(index - back), day) for back in range(months, 0, -1))
    return [datetime.combine(when, time(), UTC) for when in days]


def _months_of_joining(ids: np.ndarray, founders: int, monthly: int) -> np.ndarray:
    """Return the number of the first snapshot that holds each customer, shape (n,)."""
    return np.where(ids <= founders, 0, 1 + (ids - founders - 1) // max(monthly, 1))


def _year_month(index: int) -> tuple[int, int]:
    year, month = divmod(index, 12)
    return year, month + 1


def _snapshots(
    rng: np.random.Generator,
    company: Company,
    ids: np.ndarray,
    joined: np.ndarray,
    instants: Sequence[datetime],
) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each month in which the block has customers."""
    population = _founders(rng, company, ids[joined == 0])
    for month, instant in enumerate(instants):
        if month:
            population = population.after_a_month(rng, company)
            joining = newcomers(rng, company, ids[joined == month])
            population = population.followed_by(joining)
        visible = population.visible()
        left = _left(rng, company, visible)
        yield _labelled(visible, left, instant)
        population = population.where(~left)


def _founders(
    rng: np.random.Generator, company: Company, ids: np.ndarray
) -> Population:
    """Return the first snapshot's customers, aged under the hazard itself."""
    population = newcomers(rng, company, ids)
    for _ in range(company.founded_months):
        left = _left(rng, company, population.visible())
        stayed = population.where(~left).after_a_month(rng, company)
        replaced = newcomers(rng, company, ids[: left.sum()])
        population = stayed.followed_by(replaced)
    return replace(population, customer_id=ids)


def _left(
    rng: np.random.Generator, company: Company, visible: pa.RecordBatch
) -> np.ndarray:
    """Draw who leaves within the following month, shape (n,)."""
    drawn = rng.random(visible.num_rows) < true_probability(visible, company.hazard)
    return np.asarray(drawn)


def _labelled(
    visible: pa.RecordBatch, left: np.ndarray, instant: datetime
) -> pa.RecordBatch:
    """Return the snapshot: what was visible at `instant`, and who then left."""
    churn = pa.array(left.astype(np.int16))
    observed_at = pa.repeat(
        pa.scalar(instant, SCHEMA.field("observed_at").type), len(left)
    )
    return pa.RecordBatch.from_arrays(
        [*visible.columns, churn, observed_at], schema=SCHEMA
    )
