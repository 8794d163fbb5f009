"""The lineage of flows and their steps, with no code in a step beyond what it reads.

The run of a flow is a run of the job `flow`, that of a step one of the job `flow.step`,
both by the names of their functions and under Prefect's own numbers. A step says its
datasets with `mlops_common.lineage.recording`; the flow and the step are told here.
Outside of Prefect, where the function of a flow is called directly, runs have numbers
of their own. No run fails for what is told of it.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import prefect
from prefect.context import FlowRunContext, TaskRunContext
from prefect.transactions import get_transaction

# Here, where a process starts, and not when its first run does, which would wait.
import mlops_common.lineage.emission.emitters  # noqa: F401
from mlops_common.bootstrap import connect
from mlops_common.config import load
from mlops_common.lineage.naming import job_name
from mlops_common.lineage.observation import Engine, JobRun
from mlops_common.lineage.source import code_of
from mlops_common.orchestration.lineage import kept, teller_process, telling
from mlops_common.orchestration.lineage.told_run import Emits, ToldRun, begun, guarded

FLOW, STEP = "FLOW", "TASK"
SLACK = 1.0  # seconds by which the clock of a step is behind that of Prefect
REASON = "it was done for the same content, and what it made is still there"
ENGINE = Engine(name="Prefect", version=prefect.__version__)


@contextmanager
def told_flow(function: Callable[..., Any]) -> Iterator[None]:
    """Tell the run of a flow that the block is, and let its steps tell theirs.

    Args:
        function: Of the flow.
    """
    run = guarded(_flow_run, function)
    if run is None:
        with telling.untold():
            yield
    else:
        with telling.told(run, lambda _: _flow_tries_left(function)):
            yield


@contextmanager
def told_try(
    function: Callable[..., Any],
    is_worth: Callable[[Exception], bool],
    late: Callable[[str, float], Exception],
) -> Iterator[None]:
    """Tell the run of a step, of which the block is one try.

    Args:
        function: Of the step.
        is_worth: Whether an error is worth another try, where one is left.
        late: The error of a step, by its name, that did not end within some seconds.
    """
    began = time.monotonic()
    run = guarded(_step_run, function)
    if run is None:
        yield
        return

    def failure_of(stop: BaseException) -> Exception | None:
        return _lateness(stop, time.monotonic() - began, late)

    with telling.told(run, lambda error: _tries_left() and is_worth(error), failure_of):
        yield
    guarded(_keep, run)


def tell_skipped(function: Callable[..., Any], key: str) -> None:
    """Tell the run at hand of a step, which is skipped, as it was told when it ran.

    Args:
        function: Of the step.
        key: Of the kept result.
    """
    run = guarded(_step_run, function, skipped={"reason": REASON, "key": key})
    if run is None:
        return
    guarded(run.begin)
    run.said = guarded(kept.said, key) or run.said
    guarded(run.complete)


@dataclass(frozen=True, slots=True)
class Above:
    """Where a run is told, and what it is a part of."""

    emitter: Emits
    parent: JobRun | None = None
    root: JobRun | None = None


def _above() -> Above | None:
    """Return what is above a run that begins here; nothing where none are told."""
    try:
        run = telling.at_hand()
    except LookupError:
        emitter = connect().lineage
        return None if emitter is None else Above(emitter)
    return None if run is None else Above(run.emitter, run.run, run.root)


def _flow_run(function: Callable[..., Any]) -> ToldRun | None:
    above, context = _above(), FlowRunContext.get()
    if above is None:
        return None
    # Else the context is another flow's, in which this one's function is called.
    ours = context is not None and _is(context.flow, function)
    found = context.flow_run if context is not None and ours else None
    number = str(found.id if found else uuid4())
    return begun(number) or ToldRun(
        above.emitter,
        JobRun(run=number, job=job_name(function.__name__)),
        parent=above.parent,
        root=above.root,
        nominal_start=found.expected_start_time if found else None,
        facets=guarded(_told_by) or {},
        **_facts(function, FLOW),
    )


def _told_by() -> dict[str, Any]:
    return {teller_process.FACET: teller_process.own(load().settings.home)}


def _step_run(function: Callable[..., Any], **facets: Any) -> ToldRun | None:
    above, context = _above(), TaskRunContext.get()
    if above is None or (context is not None and not _is(context.task, function)):
        return None  # the latter is called by another step, as any function is
    parent = above.parent or _flow_at_hand()
    if parent is None and context is None:
        return None  # called outside of everything, as any function is
    number = str(context.task_run.id if context is not None else uuid4())
    flow = parent.job.partition(".")[0] if parent else ""
    return begun(number) or ToldRun(
        above.emitter,
        JobRun(run=number, job=job_name(*filter(None, (flow, function.__name__)))),
        parent=parent,
        root=above.root,
        facets=facets,
        **_facts(function, STEP),
    )


def _flow_at_hand() -> JobRun | None:
    """Return the run of a flow that tells nothing itself, but has steps that do."""
    context = FlowRunContext.get()
    if context is None or context.flow is None or context.flow_run is None:
        return None
    return JobRun(run=str(context.flow_run.id), job=job_name(context.flow.fn.__name__))


def _facts(function: Callable[..., Any], kind: str) -> dict[str, Any]:
    return {
        "job_type": kind,
        "documentation": (inspect.getdoc(function) or "").partition("\n\n")[0],
        "engine": ENGINE,
        "code": code_of(function.__module__),
    }


def _keep(run: ToldRun) -> None:
    """Keep what a step said, where its result is kept."""
    context, transaction = TaskRunContext.get(), get_transaction()
    if context is not None and context.persist_result and transaction is not None:
        kept.keep(str(transaction.key), run.said)


def _tries_left() -> bool:
    context = TaskRunContext.get()
    return context is not None and context.task_run.run_count <= context.task.retries


def _flow_tries_left(function: Callable[..., Any]) -> bool:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not _is(context.flow, function):
        return False
    allowed = context.flow_run.empirical_policy.retries
    retries = context.flow.retries if allowed is None and context.flow else allowed
    return context.flow_run.run_count <= (retries or 0)


def _lateness(
    stop: BaseException, seconds: float, late: Callable[[str, float], Exception]
) -> Exception | None:
    """Return the error of a step that was stopped because its time was over."""
    context = TaskRunContext.get()
    limit = context.task.timeout_seconds if context is not None else None
    if context is None or limit is None or seconds < limit - SLACK:
        return None
    if not isinstance(stop, asyncio.CancelledError):
        return None
    error = late(context.task.name, limit)
    error.__cause__ = stop
    return error


def _is(made: Any, function: Callable[..., Any]) -> bool:
    """Whether a flow or step was made of a function."""
    return made is not None and inspect.unwrap(made.fn) is inspect.unwrap(function)
