"""What the schedules of the installed use cases cost on Prefect Cloud's free tier."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops_common.deployments import Deployment, Schedule
from mlops_common.errors import ConfigError
from mlops_common.orchestration.deployments.census import Census, census
from mlops_common.orchestration.server.variables import quiet
from mlops_common.use_case import imported

if TYPE_CHECKING:
    from prefect.server.schemas.schedules import CronSchedule

FREE = 10_000  # task runs a month
MONTH = timedelta(days=30)
# Prefect looks at a thousand instants at most: those of one window.
WINDOW = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one deployment makes in a month, by its schedules alone.

    Attributes:
        deployment: Its name.
        use_case: Such as `uc1`.
        schedules: As they are written; those that are off are left out.
        triggers: Events that start it too, how often nobody knows; those that are off
            are left out.
        runs: Times that the schedules start it.
        each: What one run makes at most.
    """

    deployment: str
    use_case: str
    schedules: tuple[str, ...]
    triggers: tuple[str, ...]
    runs: int
    each: Census

    @property
    def task_runs(self) -> int:
        """Task runs a month, at most."""
        return self.runs * self.each.tasks

    @property
    def flow_runs(self) -> int:
        """Flow runs a month, at most."""
        return self.runs * self.each.flows


@dataclass(frozen=True, slots=True)
class Quota:
    """What all deployments make in a month, the most expensive first."""

    costs: tuple[Cost, ...]

    @property
    def task_runs(self) -> int:
        """Task runs a month, at most."""
        return sum(cost.task_runs for cost in self.costs)

    @property
    def flow_runs(self) -> int:
        """Flow runs a month, at most."""
        return sum(cost.flow_runs for cost in self.costs)

    @property
    def share(self) -> float:
        """Part of the free task runs that is used."""
        return self.task_runs / FREE

    @property
    def dominant(self) -> Cost | None:
        """The deployment that makes the most task runs, if any makes one."""
        return self.costs[0] if self.costs and self.costs[0].task_runs else None


def quota(deployments: Iterable[Deployment], start: datetime) -> Quota:
    """Compute what deployments make in the 30 days from an instant.

    Args:
        deployments: Their flows must be installed.
        start: With its time zone.

    Raises:
        ConfigError: A schedule or an entrypoint is none.
    """
    quiet()
    costs = [cost(deployment, start) for deployment in deployments]
    return Quota(tuple(sorted(costs, key=lambda one: -one.task_runs)))


def cost(deployment: Deployment, start: datetime) -> Cost:
    """Compute what one deployment makes in the 30 days from an instant.

    Raises:
        ConfigError: A schedule or the entrypoint is none.
    """
    active = [one for one in deployment.schedules if one.active]
    return Cost(
        deployment=deployment.name,
        use_case=deployment.use_case,
        schedules=tuple(str(one) for one in active),
        triggers=tuple(str(one) for one in deployment.triggers if one.active),
        runs=sum(firings(one, start, deployment) for one in active),
        each=_census(deployment),
    )


def firings(schedule: Schedule, start: datetime, deployment: Deployment) -> int:
    """Count how often a schedule fires in the 30 days from an instant.

    Raises:
        ConfigError: The expression or the time zone is none.
    """
    if schedule.interval is not None:
        return int(MONTH.total_seconds() // schedule.interval)
    from prefect.server.schemas.schedules import CronSchedule

    try:
        cron = CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    except ValueError as error:
        raise ConfigError(
            f"{deployment.file}: deployment {deployment.name!r} has no schedule that "
            f"Prefect knows: {schedule}"
        ) from error
    return asyncio.run(_count(cron, start))


async def _count(cron: "CronSchedule", start: datetime) -> int:
    found: set[datetime] = set()
    for number in range(MONTH // WINDOW):
        begin = start + number * WINDOW
        found.update(await cron.get_dates(n=1_000, start=begin, end=begin + WINDOW))
    return len(found - {start + MONTH})


def _census(deployment: Deployment) -> Census:
    module, _, name = deployment.entrypoint.rpartition(".")
    try:
        return census(imported(f"{module}:{name}"))
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{deployment.file}: deployment {deployment.name!r} names no flow: "
            f"{deployment.entrypoint} ({error})"
        ) from error
