"""The hidden and visible state of simulated customers, moved month by month."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from mlops_common.simulation.company import Company
from mlops_common.simulation.hazard import DAYS_PER_MONTH

GENDERS = pa.array(["female", "male", "other"])
MIN_AGE, MAX_AGE = 18, 90
AGE_SHAPE = 3.0
TICKET_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Population:
    """Customers who have not left, a row each; arrays of shape (n,) or (n, 3).

    Attributes:
        customer_id: From 1.
        age: Years, with fraction.
        gender: Index into `GENDERS`.
        tenure: Whole months since joining.
        purchases: Number since joining.
        spent: Sum of all orders, in the company's currency.
        idle: Days since the last purchase, or since joining where there is none.
        tickets: Tickets of each of the last three months, newest first, (n, 3).
        purchase_rate: Own mean purchases a month; hidden.
        order_value: Own mean order value; hidden.
        ticket_rate: Own mean tickets a month; hidden.
    """

    customer_id: np.ndarray
    age: np.ndarray
    gender: np.ndarray
    tenure: np.ndarray
    purchases: np.ndarray
    spent: np.ndarray
    idle: np.ndarray
    tickets: np.ndarray
    purchase_rate: np.ndarray
    order_value: np.ndarray
    ticket_rate: np.ndarray

    def where(self, mask: np.ndarray) -> "Population":
        """Return the customers for whom `mask`, shape (n,), holds."""
        return self._each(lambda name: getattr(self, name)[mask])

    def followed_by(self, others: "Population") -> "Population":
        """Return these customers, then `others`."""
        return self._each(
            lambda name: np.concatenate([getattr(self, name), getattr(others, name)])
        )

    def after_a_month(self, rng: np.random.Generator, company: Company) -> "Population":
        """Return the same customers one month later."""
        older = replace(self, age=self.age + 1 / 12, tenure=self.tenure + 1)
        return older.lived(rng, company, np.ones(self.tenure.size))

    def lived(
        self, rng: np.random.Generator, company: Company, months: np.ndarray
    ) -> "Population":
        """Return the customers with what they did in the last `months`, (n,), <= 1."""
        bought = rng.poisson(self.purchase_rate * months)
        shape = company.order_shape
        opened = rng.poisson(self.ticket_rate * months)
        # The latest of k purchases that fall uniformly into the period.
        latest = rng.random(bought.size) ** (1 / np.maximum(bought, 1))
        since = np.where(bought > 0, 1 - latest, 1) * months * DAYS_PER_MONTH
        return replace(
            self,
            purchases=self.purchases + bought,
            spent=self.spent + rng.gamma(shape * bought, self.order_value / shape),
            idle=np.where(bought > 0, since, self.idle + since),
            tickets=np.column_stack([opened, self.tickets[:, :-1]]),
        )

    def visible(self) -> pa.RecordBatch:
        """Return what the company itself can see: n rows, 8 columns."""
        never = self.purchases == 0
        mean = (self.spent / np.where(never, 1, self.purchases)).round(2)
        tickets = self.tickets.sum(axis=1)
        columns = {
            "customer_id": pa.array(self.customer_id),
            "age": pa.array(np.minimum(self.age, MAX_AGE).astype(np.int16)),
            "gender": GENDERS.take(pa.array(self.gender)),
            "tenure_months": pa.array(self.tenure.astype(np.int32)),
            "total_purchases": pa.array(self.purchases.astype(np.int32)),
            "avg_order_value": pa.array(np.maximum(mean, 0.01), mask=never),
            "days_since_last_purchase": pa.array(self.idle.astype(np.int32)),
            "support_tickets_count": pa.array(tickets.astype(np.int16)),
        }
        return pa.RecordBatch.from_pydict(columns)

    def _each(self, value: Callable[[str], np.ndarray]) -> "Population":
        return Population(**{field.name: value(field.name) for field in fields(self)})


def newcomers(
    rng: np.random.Generator, company: Company, customer_id: np.ndarray
) -> Population:
    """Draw customers who joined at some instant of the month just past.

    Args:
        rng: Source of all draws.
        company: Behaviour.
        customer_id: Shape (n,).

    Returns:
        n customers of tenure 0, with what they did since joining.
    """
    n = customer_id.size
    adult = rng.gamma(AGE_SHAPE, (company.mean_age - MIN_AGE) / AGE_SHAPE, n)
    rate = company.mean_purchases / company.purchases_shape
    fresh = Population(
        customer_id=customer_id,
        age=np.minimum(MIN_AGE + adult, MAX_AGE),
        gender=rng.choice(len(GENDERS), n, p=company.genders),
        tenure=np.zeros(n, np.int64),
        purchases=np.zeros(n, np.int64),
        spent=np.zeros(n),
        idle=np.zeros(n),
        tickets=np.zeros((n, TICKET_MONTHS), np.int64),
        purchase_rate=rng.gamma(company.purchases_shape, rate, n),
        order_value=company.median_order_value
        * rng.lognormal(0.0, company.order_value_sigma, n),
        ticket_rate=rng.exponential(company.mean_tickets, n),
    )
    return fresh.lived(rng, company, rng.random(n))
