"""The lineage of a run that fails before its flow begins.

Prefect checks parameters before it calls the function of a flow, which tells its own
lineage and is not reached then.
"""

import inspect
from typing import TYPE_CHECKING, Any

from mlops_common.bootstrap import connect
from mlops_common.lineage.naming import job_name
from mlops_common.lineage.observation import JobRun
from mlops_common.lineage.source import code_of
from mlops_common.orchestration.failures import error_of
from mlops_common.orchestration.lineage import telling
from mlops_common.orchestration.lineage.prefect_runs import ENGINE, FLOW
from mlops_common.orchestration.lineage.told_run import Emits, ToldRun, begun, guarded

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State


def tell_refused(
    flow: "Flow[..., Any]", flow_run: "FlowRun", state: "State[Any]"
) -> None:
    """Tell that a run started and failed, unless it told so itself.

    Prefect calls it for a failed run, in the process of the run.
    """
    guarded(_tell, flow, flow_run, error_of(state))


def _tell(
    flow: "Flow[..., Any]", flow_run: "FlowRun", error: BaseException | None
) -> None:
    number = str(flow_run.id)
    run = None if begun(number) else _run(inspect.unwrap(flow.fn), flow_run)
    if run is not None and isinstance(error, Exception):
        run.begin()  # which one that has told its end ignores, as the next does
        run.fail(error)


def _run(function: Any, flow_run: "FlowRun") -> ToldRun | None:
    """Return the run to tell; nothing where none are told."""
    try:
        above = telling.at_hand()
    except LookupError:
        emitter: Emits | None = connect().lineage
        known: dict[str, JobRun] = {}
    else:
        emitter = above.emitter if above else None
        known = {"parent": above.run, "root": above.root} if above else {}
    if emitter is None:
        return None
    return ToldRun(
        emitter,
        JobRun(run=str(flow_run.id), job=job_name(function.__name__)),
        **known,
        nominal_start=flow_run.expected_start_time,
        job_type=FLOW,
        engine=ENGINE,
        code=code_of(function.__module__),
    )
