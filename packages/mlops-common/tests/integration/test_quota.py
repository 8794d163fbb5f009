"""What schedules cost, counted in flows that are never run."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect import flow, task

from mlops_common.deployments import Deployment, Schedule, Trigger
from mlops_common.errors import ConfigError
from mlops_common.orchestration.deployments.census import Census, census
from mlops_common.orchestration.deployments.quota import firings, quota

START = datetime(2026, 2, 10, 12, 30, tzinfo=UTC)
HERE = Deployment(
    use_case="uc9",
    file=Path("prefect.yaml"),
    name="here",
    entrypoint=f"{__name__}.pipeline",
)


@task
def first() -> int:
    return 1


@task
def second(number: int) -> int:
    return number


def both() -> int:
    return second(first())


@flow
def part() -> int:
    return both()


@flow
def pipeline(*, short: bool = False) -> int:
    if short:
        return second(0)
    number = first.with_options(retries=2)() + second.submit(1).result()
    return both() if number else part()


@flow
def looping(names: list[str]) -> list[int]:
    second.map([1, 2])
    return [first() for _name in names]


def test_the_dearer_branch_counts_and_a_retry_does_not() -> None:
    # Three of its own, and a subflow of two with the task that stands for it.
    assert census(pipeline) == Census(tasks=6, flows=2)


def test_a_task_in_a_loop_is_named_because_its_number_is_not_known() -> None:
    assert census(looping) == Census(tasks=2, flows=1, repeated=("second", "first"))


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        (Schedule(cron="0 6 * * *"), 30),
        (Schedule(cron="0 * * * *", timezone="Europe/Vienna"), 720),
        (Schedule(cron="* * * * *"), 43_200),
        (Schedule(cron="0 6 * * 1"), 4),
        (Schedule(cron="0 0 1 * *"), 1),
        (Schedule(interval=3_600), 720),
    ],
    ids=str,
)
def test_a_schedule_fires_so_often_in_thirty_days(
    schedule: Schedule, times: int
) -> None:
    assert firings(schedule, START, HERE) == times


def test_the_dearest_deployment_dominates() -> None:
    hourly = replace(
        HERE,
        name="hourly",
        schedules=(
            Schedule(cron="0 * * * *"),
            Schedule(cron="30 * * * *", active=False),
        ),
    )
    daily = replace(HERE, name="daily", schedules=(Schedule(cron="0 6 * * *"),))

    found = quota([HERE, daily, hourly], START)

    assert [one.deployment for one in found.costs] == ["hourly", "daily", "here"]
    assert found.dominant == found.costs[0]
    assert [one.runs for one in found.costs] == [720, 30, 0]
    assert (found.task_runs, found.flow_runs) == (750 * 6, 750 * 2)
    assert found.share == pytest.approx(0.45)


def test_what_events_start_is_told_and_not_counted() -> None:
    reacting = replace(
        HERE,
        triggers=(
            Trigger({"expect": ["drift.detected"]}),
            Trigger({"expect": ["drift.gone"], "enabled": False}),
        ),
    )

    found = quota([reacting], START)

    assert found.costs[0].triggers == ("on drift.detected",)
    assert found.task_runs == 0


def test_without_schedules_nothing_dominates() -> None:
    found = quota([HERE], START)

    assert found.task_runs == 0
    assert found.dominant is None


@pytest.mark.parametrize("cron", ["", "99 * * * *", "daily at six"])
def test_a_schedule_that_is_none_is_named(cron: str) -> None:
    with pytest.raises(ConfigError, match="'here' has no schedule"):
        quota([replace(HERE, schedules=(Schedule(cron=cron),))], START)


@pytest.mark.parametrize("entrypoint", ["no.such.flow", f"{__name__}.none"])
def test_an_entrypoint_that_is_no_flow_is_named(entrypoint: str) -> None:
    with pytest.raises(ConfigError, match=entrypoint):
        quota([replace(HERE, entrypoint=entrypoint)], START)
