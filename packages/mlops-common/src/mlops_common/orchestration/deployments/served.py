"""Runs a deployment's runs from a process that stays, where no worker is wanted."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_common.deployments import Deployment, Schedule, Trigger
from mlops_common.errors import ConfigError
from mlops_common.orchestration.deployments.lost_runs import BEAT
from mlops_common.orchestration.presence import present
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.orchestration.server.variables import quiet

if TYPE_CHECKING:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.deployments.runner import RunnerDeployment
    from prefect.events import DeploymentTriggerTypes

    from mlops_common.bootstrap import Platform
    from mlops_common.use_case import UseCase


def serve(
    case: "UseCase",
    platform: "Platform",
    deployment: Deployment,
    parameters: Mapping[str, Any],
) -> None:
    """Register a deployment without a work pool and run what is due, until interrupted.

    Its name, tags, schedules, triggers and limit are those of `prefect.yaml`. A
    deployment of this name that workers ran is replaced; deploy again to give it back
    to them.

    Raises:
        ConfigError: The home folder cannot be made, or PostgreSQL does not admit us.
            Or a trigger is none.
        BackendError: The API cannot be reached.
    """
    quiet()
    import prefect
    from prefect.settings import (
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    beating = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: BEAT})
    waiting = present(platform.settings.home, f"mlops run {case.name} --serve")
    with orchestrated(platform), beating, waiting:
        prefect.serve(_taken_over(case.load_flow(), deployment, parameters))


def _taken_over(
    flow: Any, deployment: Deployment, parameters: Mapping[str, Any]
) -> "RunnerDeployment":
    """Return a deployment as Prefect serves it, without a work pool.

    Raises:
        ConfigError: A trigger is none.
    """
    from prefect.client.schemas.objects import (
        ConcurrencyLimitConfig,
        ConcurrencyLimitStrategy,
    )
    from prefect.types.entrypoint import EntrypointType

    limit = deployment.limit and ConcurrencyLimitConfig(
        limit=deployment.limit,
        collision_strategy=ConcurrencyLimitStrategy(deployment.collision),
    )
    taken: RunnerDeployment = flow.to_deployment(
        name=deployment.name,
        description=deployment.description,
        tags=list(deployment.tags),
        parameters={**deployment.parameters, **parameters},
        schedules=[_schedule(one) for one in deployment.schedules],
        triggers=[_trigger(one) for one in deployment.triggers],
        concurrency_limit=limit,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    # Else Prefect leaves it the pool that it had, whose workers would run it too.
    taken.work_pool_name = None
    return taken


def _schedule(schedule: Schedule) -> "DeploymentScheduleCreate":
    from datetime import timedelta

    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import construct_schedule

    interval = schedule.interval and timedelta(seconds=schedule.interval)
    when = construct_schedule(
        cron=schedule.cron or None,
        interval=interval,
        timezone=schedule.timezone,
    )
    return DeploymentScheduleCreate(
        schedule=when, active=schedule.active, slug=schedule.slug
    )


def _trigger(trigger: Trigger) -> "DeploymentTriggerTypes":
    """Return a trigger as Prefect knows it.

    Raises:
        ConfigError: It is none.
    """
    from prefect.events import DeploymentTriggerTypes
    from pydantic import TypeAdapter, ValidationError

    kinds: Any = DeploymentTriggerTypes
    known: TypeAdapter[DeploymentTriggerTypes] = TypeAdapter(kinds)
    try:
        return known.validate_python(dict(trigger.declared))
    except ValidationError as error:
        raise ConfigError(f"Prefect knows no trigger {trigger}: {error}") from error
