"""How a simulated company behaves: the knobs, each with its unit."""

from dataclasses import dataclass, field

from mlops_common.simulation.hazard import Hazard


@dataclass(frozen=True, slots=True)
class Company:
    """How customers join, buy, complain and leave; a month has 30 days.

    Attributes:
        hazard: Why they leave.
        monthly_joins: Customers who join each month, as a share of the first
            snapshot's; near the churn share, so that the base keeps its size.
        founded_months: Months before the first snapshot in which the base grew old:
            each leaver of that time was replaced by a newcomer.
        mean_age: Mean age in years on joining (gamma, kept within 18 to 90).
        mean_purchases: Mean purchases a month; each customer has an own rate from
            a gamma distribution, and buys by a Poisson process.
        purchases_shape: Shape of that gamma distribution; small means uneven.
        median_order_value: Median over customers of the own mean order value
            (lognormal), in the company's currency.
        order_value_sigma: Standard deviation of its logarithm.
        order_shape: Shape of the gamma distribution of single orders around the
            customer's own mean.
        mean_tickets: Mean support tickets a month; each customer has an own rate
            from an exponential distribution.
        genders: Shares of female, male and other.
    """

    hazard: Hazard = field(default_factory=Hazard)
    monthly_joins: float = 0.11
    founded_months: int = 60
    mean_age: float = 42.0
    mean_purchases: float = 1.2
    purchases_shape: float = 0.8
    median_order_value: float = 45.0
    order_value_sigma: float = 0.6
    order_shape: float = 4.0
    mean_tickets: float = 0.25
    genders: tuple[float, float, float] = (0.49, 0.49, 0.02)
