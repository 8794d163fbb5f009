"""The process worker of a home: it runs deployments of the local work pool."""

import hashlib
import json
import socket
from pathlib import Path

from mlops_common import web
from mlops_common.deployments import POOL
from mlops_common.errors import BackendError
from mlops_common.orchestration.deployments.running import MARK
from mlops_common.orchestration.server.api import Api
from mlops_common.params import masked
from mlops_common.processes import LOOPBACK, wait_until

QUERY = 1  # seconds between two looks for runs; ten by default
PATIENCE = 60.0  # seconds for a healthy worker to be known to the API


def command(home: Path) -> tuple[str, ...]:
    """Return the module and the arguments that run it."""
    start = ("prefect", "worker", "start", "--with-healthcheck")
    return (*start, "--pool", POOL, "--type", "process", "--name", name_of(home))


def name_of(home: Path) -> str:
    """Return its name at the API: the same after each start, of this home alone."""
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:6]
    return f"{socket.gethostname()}-{digest}"


def environment(home: Path, port: int) -> dict[str, str]:
    """Return its variables, besides those of the home.

    Args:
        home: Of the runs.
        port: Of its health page.
    """
    return {
        MARK: str(home),
        "PREFECT_WORKER_QUERY_SECONDS": str(QUERY),
        "PREFECT_WORKER_WEBSERVER_HOST": LOOPBACK,
        "PREFECT_WORKER_WEBSERVER_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Its log is a file: the runs may tell there what they do.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
    }


def await_online(api: Api, home: Path) -> None:
    """Wait until the API knows the worker of this home.

    Raises:
        BackendError: It does not within a minute.
    """
    name = name_of(home)
    if not wait_until(lambda: is_online(api, name), PATIENCE, pause=0.2):
        raise BackendError(
            f"the Prefect API at {masked(api.url)} does not know the worker {name!r} "
            f"of {POOL}; see `mlops logs worker`"
        )


def is_online(api: Api, name: str) -> bool:
    """Tell whether the API counts a worker of the local pool as online.

    Raises:
        BackendError: The API cannot be reached.
    """
    answer = web.request(
        f"{api.url}/work_pools/{POOL}/workers/filter",
        headers={**api.headers, "Content-Type": "application/json"},
        data=json.dumps({"workers": {"status": {"any_": ["ONLINE"]}}}).encode(),
    )
    found = answer.json() if answer.status == web.OK else []
    return any(worker["name"] == name for worker in found)
