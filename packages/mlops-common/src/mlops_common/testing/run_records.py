"""What a Prefect API knows of the runs of a flow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlops_common.processes import wait_until

PATIENCE = 60.0  # seconds


@dataclass
class Recorded:
    """What the API knows of a flow run.

    Attributes:
        name: Of the run.
        artifacts: Data by key.
        steps: State by step.
        lines: Logger, level and message of each line of the log.
    """

    name: str
    artifacts: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, int, str]] = field(default_factory=list)


def recorded(flow_name: str, until: Callable[[Recorded], bool]) -> Recorded:
    """Return what is recorded of the newest run of a flow; it arrives by and by.

    Args:
        flow_name: Name of the flow.
        until: Whether all has arrived that the test waits for.
    """
    found: list[Recorded] = []

    def arrived() -> bool:
        found[:] = [_read(flow_name)]
        return until(found[0])

    assert wait_until(arrived, PATIENCE), vars(found[0])
    return found[0]


def _read(flow_name: str) -> Recorded:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters, sorting

    with get_client(sync_client=True) as client:
        [run] = client.read_flow_runs(
            flow_filter=filters.FlowFilter(
                name=filters.FlowFilterName(any_=[flow_name])
            ),
            sort=sorting.FlowRunSort.START_TIME_DESC,
            limit=1,
        )
        only = filters.FlowRunFilterId(any_=[run.id])
        chosen = filters.FlowRunFilter(id=only)
        artifacts = client.read_artifacts(flow_run_filter=chosen)
        steps = client.read_task_runs(flow_run_filter=chosen)
        lines = client.read_logs(
            filters.LogFilter(flow_run_id=filters.LogFilterFlowRunId(any_=[run.id]))
        )
    return Recorded(
        name=run.name,
        artifacts={a.key: a.data for a in artifacts if a.key},
        steps={s.name[:-4]: s.state_name or "" for s in steps},
        lines=[(line.name, line.level, line.message) for line in lines],
    )
