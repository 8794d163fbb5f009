"""What a run that failed tells: which step, which kind of error, and what to do."""

import logging
from typing import TYPE_CHECKING, Any

from prefect.context import SyncClientContext
from prefect.exceptions import ParameterBindError, ParameterTypeError
from prefect.logging.loggers import flow_run_logger

from mlops_common import errors
from mlops_common.errors import RefusedError
from mlops_common.orchestration import artifacts
from mlops_common.orchestration.tasks import failed_step
from mlops_common.params import masked

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

PARAMETERS = "Correct the parameters that the message names, then run again."
REMEDIES: dict[type[BaseException], str] = {
    ParameterTypeError: PARAMETERS,
    ParameterBindError: PARAMETERS,
    errors.ConfigError: "Fix the setting that the message names, then run again.",
    errors.NotFoundError: "Correct the name, or make what is absent, then run again.",
    errors.ContractError: "The data or a model broke a promise; running again without "
    "a change cannot help. Where the message names Data Docs, look at that page.",
    errors.RefusedError: "Nothing was changed: what served before serves on. Look at "
    "the evidence; running again without a change cannot help.",
    errors.BackendError: "The system that the message names failed, also when tried "
    "again. See that it runs, then run again: steps that ended are skipped.",
}
MISTAKE = (
    "This is a mistake in the pipeline, not in its input: the run's log has the "
    "traceback."
)
CRASH = (
    "The process of the run ended before the flow did: it was killed, cancelled, or "
    "its machine stopped. Run again: it takes up where this one ended."
)
PAGE = """\
# {kind}{place}

{message}

**What to do.** {remedy}
{evidence}"""


def explain(flow: "Flow[..., Any]", flow_run: "FlowRun", state: "State[Any]") -> None:
    """Write one line in the run's log and one page beside it.

    Prefect calls it for a failed or crashed run, in the process of the run or, where
    that was killed, in that of the worker.
    """
    error = error_of(state)
    step = failed_step(error) if error is not None else _running_step(flow_run)
    kind = type(error).__name__ if isinstance(error, Exception) else "Crash"
    message = masked(str(error or state.message or "no reason is known"))
    remedy = _remedy(error)
    place = f" in step {step}" if step else ""
    flow_run_logger(flow_run, flow).log(
        logging.ERROR, "%s%s: %s %s", kind, place, message, remedy
    )
    page = PAGE.format(
        kind=kind,
        place=place,
        message=_quoted(message),
        remedy=remedy,
        evidence=_evidence(error),
    )
    artifacts.markdown(f"{flow.name} failure", page, run=flow_run.id)


def error_of(state: "State[Any]") -> BaseException | None:
    """Return what ended the run, where this process knows."""
    data = getattr(state.data, "result", state.data)
    return data if isinstance(data, BaseException) else None


def _remedy(error: BaseException | None) -> str:
    if not isinstance(error, Exception):
        return CRASH
    found = (REMEDIES[kind] for kind in REMEDIES if isinstance(error, kind))
    return next(found, MISTAKE)


def _evidence(error: BaseException | None) -> str:
    figures = error.evidence if isinstance(error, RefusedError) else {}
    if not figures:
        return ""
    rows = [f"| {name} | {_cell(value)} |" for name, value in figures.items()]
    return "\n".join(["", "| evidence | |", "|---|---|", *rows, ""])


def _cell(value: Any) -> str:
    text = f"{value:,.7g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")


def _quoted(message: str) -> str:
    return "\n".join(f"    {line}" for line in message.splitlines())


def _running_step(run: "FlowRun") -> str:
    """Ask the API which step a run was in that cannot tell itself any more."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    try:
        with SyncClientContext.get_or_create() as context:
            steps = context.client.read_task_runs(flow_run_filter=chosen)
    except Exception:  # noqa: BLE001 - the rest is worth telling
        return ""
    names = (step.name for step in steps if step.state and step.state.is_running())
    return next(names, "")
