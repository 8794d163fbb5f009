"""Registers what the installed use cases deploy at a Prefect API.

    python -m mlops_common.orchestration.deployments.deploying

makes sure that the configured API can take them by `prefect deploy`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common import deployments
from mlops_common.deployments import POOL
from mlops_common.errors import BackendError, ConfigError, MlopsError, NotFoundError
from mlops_common.orchestration.deployments import lost_runs
from mlops_common.orchestration.server.api import configured
from mlops_common.orchestration.server.variables import quiet
from mlops_common.params import masked
from mlops_common.web import REFUSED

if TYPE_CHECKING:
    from httpx import HTTPError
    from prefect.client.orchestration import SyncPrefectClient

NOT_ADMITTED = (
    "{where} does not admit us; set PREFECT_API_KEY (PREFECT_API_AUTH_STRING for a "
    "server of your own), or log in with `prefect cloud login`"
)
NOT_ALLOWED = (
    "{where} knows our key and forbids this: ask for a role that may deploy and run, "
    "or set the key of somebody who has one (PREFECT_API_KEY)"
)
TIMEOUT = 300.0  # seconds for one file; it imports the flows
KIND = "process"


def register(url: str, *, pool: str = POOL) -> tuple[str, ...]:
    """Register every installed deployment at an API; what is there is replaced.

    Runs that fall silent are marked as crashed from then on.

    Args:
        url: Of the API.
        pool: Work pool of processes, which is made unless it exists.

    Returns:
        The names, as in `FLOW/DEPLOYMENT`.

    Raises:
        ConfigError: A `prefect.yaml` cannot be read.
        BackendError: The API does not take one, or cannot be reached.
    """
    installed = deployments.installed()
    with client_of(url) as client:
        ensure_pool(client, pool)
        lost_runs.watch(client)
        for file in dict.fromkeys(one.file for one in installed):
            deploy(file, url)
        return tuple(name for one in installed for name in registered(client, one.name))


def check(pool: str = POOL) -> None:
    """Make sure that the configured API can take deployments, and watches their runs.

    Raises:
        ConfigError: No API is configured, or it does not accept the key.
        NotFoundError: It has no such work pool; says how to make it.
        BackendError: It cannot be reached, or failed.
    """
    from prefect.exceptions import ObjectNotFound

    api = configured()
    if api is None:
        raise ConfigError(
            "no Prefect API is configured; set PREFECT_API_URL, or log in with "
            "`prefect cloud login`, or start a platform of your own with `mlops up`"
        )
    url = api.url
    with client_of(url) as client:
        try:
            client.read_work_pool(pool)
        except ObjectNotFound as error:
            raise NotFoundError(
                f"{masked(url)} has no work pool {pool!r}; make it with "
                f"`prefect work-pool create {pool} --type process`"
            ) from error
        lost_runs.watch(client)


def require(url: str) -> None:
    """Make sure that an API is there and admits us.

    Raises:
        ConfigError: It does not accept the key.
        BackendError: It cannot be reached, or failed.
    """
    with client_of(url) as client:
        client.read_work_pools(limit=1)


def ensure_pool(client: "SyncPrefectClient", pool: str = POOL) -> None:
    """Make a work pool of processes, unless there is a pool of this name."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        wanted = WorkPoolCreate(name=pool, type=KIND, base_job_template=template)
        try:
            client.create_work_pool(wanted)
        except ObjectAlreadyExists:
            return


def deploy(file: Path, url: str) -> None:
    """Register the deployments of one `prefect.yaml`, from a folder of no project.

    Raises:
        BackendError: Prefect does not take them; says what it said.
    """
    words = ["--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "prefect", *words],
                cwd=folder,
                env={**os.environ, "PREFECT_API_URL": url},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BackendError(
                f"{masked(url)} did not take {file} within {TIMEOUT:.0f} s"
            ) from error
    if done.returncode:
        said = (done.stderr + done.stdout).strip()
        raise BackendError(f"{masked(url)} did not take {file}: {masked(said)}")


def registered(client: "SyncPrefectClient", name: str) -> list[str]:
    """Return `FLOW/DEPLOYMENT` of the registered deployments of a name."""
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

    wanted = DeploymentFilter(name=DeploymentFilterName(any_=[name]))
    found = client.read_deployments(deployment_filter=wanted)
    return [f"{client.read_flow(one.flow_id).name}/{one.name}" for one in found]


@contextmanager
def client_of(url: str) -> "Iterator[SyncPrefectClient]":
    """Connect to an API with the configured key.

    Raises:
        ConfigError: It does not accept the key.
        BackendError: It cannot be reached, or failed.
    """
    quiet()
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: url}):
        try:
            with get_client(sync_client=True) as client:
                yield client
        except HTTPError as error:
            raise problem(url, error) from error


def refusal(url: str, status: int) -> ConfigError:
    """Say that an API does not admit us, or that it does and forbids something."""
    told = NOT_ALLOWED if status == HTTPStatus.FORBIDDEN else NOT_ADMITTED
    return ConfigError(told.format(where=masked(url)))


def problem(url: str, error: "HTTPError") -> MlopsError:
    """Say what an error of Prefect's client means."""
    from httpx import HTTPStatusError, TransportError

    where = masked(url)
    if isinstance(error, HTTPStatusError) and error.response.status_code in REFUSED:
        return refusal(url, error.response.status_code)
    reason = masked(str(error).partition("\n")[0]) or type(error).__name__
    if isinstance(error, TransportError):
        return BackendError(
            f"no Prefect API can be reached at {where}: {reason}; start it, or correct "
            "PREFECT_API_URL"
        )
    return BackendError(f"the Prefect API at {where} failed: {reason}")


if __name__ == "__main__":
    try:
        check()
    except MlopsError as problem_found:
        raise SystemExit(str(problem_found)) from None
