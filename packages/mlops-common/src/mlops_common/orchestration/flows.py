"""Flows that tell what they do: run names, progress, and what went wrong.

A use case writes `@flow("UC1: Churn Prediction Pipeline")` and has all of this.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

import prefect
from prefect.context import FlowRunContext, SyncClientContext

from mlops_common.config import load
from mlops_common.logger import get_logger
from mlops_common.orchestration.failures import explain
from mlops_common.orchestration.functions import require_plain
from mlops_common.orchestration.lineage.prefect_runs import told_flow
from mlops_common.orchestration.presence import present
from mlops_common.orchestration.refused_run import tell_refused
from mlops_common.orchestration.reporting import ReportedSteps
from mlops_common.orchestration.server.api import configured
from mlops_common.params import masked
from mlops_common.progress import listening

P = ParamSpec("P")
R = TypeVar("R")

log = get_logger(__name__)


def flow(name: str) -> Callable[[Callable[P, R]], prefect.Flow[P, R]]:
    """Make a Prefect flow whose runs explain themselves.

    Its runs start with the time as their name, show the progress of long steps, write
    a page when they fail, and tell their lineage.

    Args:
        name: For people, such as `UC1: Churn Prediction Pipeline`.

    Raises:
        TypeError: The function is an `async def`, or a generator.
    """

    def made(function: Callable[P, R]) -> prefect.Flow[P, R]:
        require_plain(function)

        @functools.wraps(function)
        def reported(*args: P.args, **kwargs: P.kwargs) -> R:
            with (
                _present(name),
                listening(ReportedSteps()),
                told_flow(function),
            ):
                return function(*args, **kwargs)

        return prefect.flow(
            name=name,
            flow_run_name=_first_name,
            persist_result=False,
            result_serializer="json",
            on_failure=[tell_refused, explain],
            on_crashed=[explain],
        )(reported)

    return made


def name_run(name: str) -> None:
    """Rename the run at hand, once it is known what it is about.

    Outside of a run, and where the API fails, nothing is renamed.

    Args:
        name: Such as `churn-predictor v7 · data 2026-11-24`.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    try:
        with SyncClientContext.get_or_create() as api:
            api.client.set_flow_run_name(context.flow_run.id, name)
    except Exception as error:  # noqa: BLE001 - no run fails for its name
        log.warning("cannot rename the run to %s: %s", name, masked(str(error)))


@contextmanager
def _present(name: str) -> Iterator[None]:
    """Let `mlops down` see the run at hand, whoever started it."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    number, api = "" if run is None else str(run.id), configured()
    url = "" if api is None else api.url
    with present(load().settings.home, name, run=number, api=url):
        yield


def _first_name() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
