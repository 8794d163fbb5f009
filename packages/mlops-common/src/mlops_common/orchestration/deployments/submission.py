"""Asks an API to run a deployment, and follows the run to its end."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mlops_common.deployments import Deployment
from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from mlops_common.orchestration.deployments.deploying import client_of
from mlops_common.params import masked
from mlops_common.progress import step

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import State
    from prefect.client.schemas.responses import DeploymentResponse

PATIENCE = 30.0  # seconds for a worker to be online
PAUSE = 0.5
PAGE = 200  # lines of a log at once
WAITING = "AwaitingConcurrencySlot"
KINDS = {
    kind.__name__: kind
    for kind in (ConfigError, NotFoundError, ContractError, RefusedError, BackendError)
}
KIND = re.compile(rf"\b({'|'.join(KINDS)}): (.*)", re.DOTALL)
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run of a deployment that finished.

    Attributes:
        name: Of the run.
        identity: By which Prefect knows it.
        state: In which it ended.
        url: Of its page.
    """

    name: str
    identity: UUID
    state: str
    url: str


def run_deployed(
    url: str,
    deployment: Deployment,
    parameters: Mapping[str, Any],
    told: Told,
    *,
    patience: float = PATIENCE,
) -> Submitted:
    """Run a deployment on whatever worker takes it, and wait for its end.

    A run that no worker can take is cancelled, so that none starts unawares later.

    Args:
        url: Of the API.
        deployment: As it is installed; the API must have it too.
        parameters: Of the flow, instead of the deployment's.
        told: Is given the address of the run and the lines of its log.
        patience: Seconds for a worker to be online.

    Raises:
        NotFoundError: The API does not have the deployment.
        BackendError: No worker is online, the run crashed, or the API failed.
        MlopsError: Whatever ended the run, or it was cancelled.
    """
    with client_of(url) as client:
        found = find(client, deployment, url)
        run = client.create_flow_run_from_deployment(
            found.id, parameters=dict(parameters)
        )
        page = page_of(run.id, url)
        told(page)
        pool = found.work_pool_name
        with step(f"Wait for a worker of {pool}" if pool else "Wait for who serves it"):
            _await_start(client, run.id, found, patience)
        with step(f"Run {deployment.name}"):
            state = _await_end(client, run.id, told)
            raise_unless_completed(state, page)
        name = client.read_flow_run(run.id).name
        return Submitted(name, run.id, str(state.name), page)


def find(
    client: "SyncPrefectClient", deployment: Deployment, url: str
) -> "DeploymentResponse":
    """Return an installed deployment as the API has it.

    Raises:
        NotFoundError: The API does not have it; says how to register it.
    """
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

    wanted = DeploymentFilter(name=DeploymentFilterName(any_=[deployment.name]))
    for found in client.read_deployments(deployment_filter=wanted):
        if (found.entrypoint or "").replace(":", ".") == deployment.entrypoint:
            return found
    raise NotFoundError(
        f"{masked(url)} has no deployment {deployment.name!r}; register it with "
        f"`prefect deploy --all --prefect-file {deployment.file}`, or with `mlops up`"
    )


def page_of(identity: UUID, url: str) -> str:
    """Return the address of a run's page, or its number where there is no page."""
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.utilities.urls import url_for

    with temporary_settings({PREFECT_API_URL: url}):
        return url_for("flow-run", obj_id=identity) or str(identity)


def raise_unless_completed(state: "State[Any]", page: str) -> None:
    """Raise what ended a run, unless it completed.

    Raises:
        MlopsError: Of the kind that the state's message tells.
    """
    if state.is_completed():
        return
    message = state.message or ""
    known = KIND.search(message)
    if state.is_failed() and known is not None:
        raise KINDS[known[1]](known[2])
    if state.is_crashed():
        raise BackendError(f"the run crashed: {message}; its log is at {page}")
    raise MlopsError(f"the run ended {state.name}: {message}; its log is at {page}")


def _await_start(
    client: "SyncPrefectClient",
    identity: UUID,
    deployment: "DeploymentResponse",
    patience: float,
) -> None:
    alone_since = time.monotonic()
    while True:
        state = _state(client, identity)
        if state.is_running() or state.is_final():
            return
        taken = _is_taken(state, deployment) or _has_worker(client, deployment)
        if state.name == WAITING or taken:
            alone_since = time.monotonic()
        elif time.monotonic() - alone_since > patience:
            _cancel(client, identity)
            raise BackendError(_lonely(deployment, patience))
        time.sleep(PAUSE)


def _await_end(client: "SyncPrefectClient", identity: UUID, told: Told) -> "State[Any]":
    lines = 0
    while True:
        state = _state(client, identity)
        lines = tell_log(client, identity, lines, told)
        if state.is_final():
            return state
        time.sleep(PAUSE)


def _state(client: "SyncPrefectClient", identity: UUID) -> "State[Any]":
    state = client.read_flow_run(identity).state
    if state is None:
        raise BackendError(f"the Prefect API has no state of the run {identity}")
    return state


def _is_taken(state: "State[Any]", deployment: "DeploymentResponse") -> bool:
    """Whether the process that serves a deployment starts the run."""
    return deployment.work_pool_name is None and state.is_pending()


def _has_worker(client: "SyncPrefectClient", deployment: "DeploymentResponse") -> bool:
    from prefect.client.schemas.filters import WorkerFilter, WorkerFilterStatus

    if deployment.work_pool_name is None:
        return False
    online = WorkerFilter(status=WorkerFilterStatus(any_=["ONLINE"]))
    pool = deployment.work_pool_name
    return bool(client.read_workers_for_work_pool(pool, worker_filter=online))


def _cancel(client: "SyncPrefectClient", identity: UUID) -> None:
    from prefect.states import Cancelled

    state: State[Any] = Cancelled(message="No worker was online to take it.")
    client.set_flow_run_state(identity, state, force=True)


def _lonely(deployment: "DeploymentResponse", patience: float) -> str:
    pool = deployment.work_pool_name
    waited = f"waited {patience:.0f} s; the run is cancelled"
    if pool is None:
        return (
            f"{deployment.name} has no work pool, and nobody serves it: {waited}. Make "
            "the pool with `prefect work-pool create local-pool --type process` and "
            "deploy again, or serve it with `--serve`"
        )
    return (
        f"no worker of the work pool {pool!r} is online: {waited}. Start one with "
        f"`prefect worker start --pool {pool}` or `mlops up`, then run again"
    )


def tell_log(client: "SyncPrefectClient", identity: UUID, seen: int, told: Told) -> int:
    """Tell the lines of a run's log that are new; return how many were ever seen."""
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
    from prefect.client.schemas.sorting import LogSort

    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[identity]))
    order = LogSort.TIMESTAMP_ASC
    while found := client.read_logs(wanted, limit=PAGE, offset=seen, sort=order):
        for line in found:
            first = line.message.partition("\n")[0]
            told(f"{line.timestamp:%H:%M:%S} {first}")
        seen += len(found)
    return seen
