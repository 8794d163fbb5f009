"""Which runs of the installed use cases ended in a period, as a Prefect API tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from mlops_common.orchestration.deployments.deploying import client_of
from mlops_common.use_case import points

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

PAGE = 200  # what the API returns at once, at most


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A flow run that has ended, however it did.

    Attributes:
        id: By which Prefect knows it.
        name: Of the run.
        flow: Such as `UC1: Churn Prediction Pipeline`.
        deployment: Whose run it is; empty where it was started without one.
        state: In which it ended: `Completed`, `Failed`, `Crashed` and the like.
        ended: When.
    """

    id: UUID
    name: str
    flow: str
    deployment: str
    state: str
    ended: datetime


def ended_runs(url: str, start: datetime, end: datetime) -> tuple[EndedRun, ...]:
    """Return the runs of the installed use cases that ended in a period.

    A run that was cancelled before it began is none of them.

    Args:
        url: Of the API.
        start: Begin of the period, with its time zone.
        end: End of the period.

    Returns:
        The runs, in the order in which they started; those of deployments, and those
        that were started without one.

    Raises:
        ConfigError: The API does not accept the key.
        BackendError: It cannot be reached, or failed.
    """
    with client_of(url) as client:
        flows = dict(_flows(client))
        if not flows:
            return ()
        deployments = dict(_deployments(client, [*flows]))
        return tuple(
            EndedRun(
                id=run.id,
                name=run.name,
                flow=flows[run.flow_id],
                deployment=deployments.get(run.deployment_id, ""),
                state=run.state_name or "",
                ended=run.end_time,
            )
            for run in _runs(client, [*flows], start, end)
            if run.end_time is not None
        )


def _flows(client: "SyncPrefectClient") -> Iterator[tuple[UUID, str]]:
    """Yield the number and the name of each flow of an installed use case."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    for point in points():
        prefix = f"{point.name.upper()}: "
        wanted = FlowFilter(name=FlowFilterName(like_=prefix))
        for flow in client.read_flows(flow_filter=wanted):
            if flow.name.startswith(prefix):
                yield flow.id, flow.name


def _deployments(
    client: "SyncPrefectClient", flows: list[UUID]
) -> Iterator[tuple[UUID | None, str]]:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterId

    wanted = FlowFilter(id=FlowFilterId(any_=flows))
    for deployment in client.read_deployments(flow_filter=wanted):
        yield deployment.id, deployment.name


def _runs(
    client: "SyncPrefectClient", flows: list[UUID], start: datetime, end: datetime
) -> "Iterator[FlowRun]":
    from prefect.client.schemas import filters
    from prefect.client.schemas.sorting import FlowRunSort

    period = filters.FlowRunFilterEndTime(after_=start, before_=end)
    begun = filters.FlowRunFilterStartTime(is_null_=False)
    offset = 0
    while True:
        found = client.read_flow_runs(
            flow_filter=filters.FlowFilter(id=filters.FlowFilterId(any_=flows)),
            flow_run_filter=filters.FlowRunFilter(end_time=period, start_time=begun),
            sort=FlowRunSort.START_TIME_ASC,
            limit=PAGE,
            offset=offset,
        )
        yield from found
        offset += len(found)
        if len(found) < PAGE:
            return
