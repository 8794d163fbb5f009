"""The Prefect server of a home: on loopback, with its history in PostgreSQL."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common import locks
from mlops_common.errors import BackendError
from mlops_common.files import make_folder
from mlops_common.ports import Remembered
from mlops_common.processes import LOOPBACK, Process, wait_until
from mlops_common.progress import step
from mlops_common.web import healthy

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

NAME = "prefect-server"
DATABASE = "prefect"
LEASES = "prefect.server.concurrency.lease_storage.filesystem"
START_TIMEOUT = 180.0  # seconds


def start_server(platform: "Platform") -> str:
    """Start the Prefect server of this home unless it runs; return its API URL.

    Raises:
        ConfigError: The home folder cannot be made, or PostgreSQL does not admit us.
        BackendError: It did not answer in time; says where its log is. Or PostgreSQL
            cannot be reached, or the disk is full.
    """
    # It may have been killed, or its password changed, while Prefect lived on.
    platform.postgres.ensure_database(DATABASE)
    server = server_process(platform.settings.home)
    make_folder(server.folder)
    with locks.exclusive(server.folder / "start.lock"):
        url = server_url(platform.settings.home)
        if url is not None and healthy(f"{url}/health"):
            return url
        with step("Start the Prefect server"):
            server.stop()
            port = server_port(platform.settings.home).settled()
            url = _address(port)
            server.start(_command(port), _environment(platform, url))
            _await_health(server, url)
    return url


def server_process(home: Path) -> Process:
    """Return the Prefect server of a home folder, whether or not it runs."""
    return Process(home / "prefect", NAME)


def server_url(home: Path) -> str | None:
    """Return the API URL of this home's Prefect server where it runs."""
    return server_address(home) if server_process(home).running() else None


def server_address(home: Path) -> str | None:
    """Return the API URL of this home's Prefect server, whether or not it runs.

    Returns:
        The URL; nothing before the first start, which chooses the port.
    """
    port = server_port(home).number()
    return None if port is None else _address(port)


def server_port(home: Path) -> Remembered:
    """Return the port of this home's Prefect server, whether or not it runs."""
    return Remembered(server_process(home).folder / "port")


def _address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/api"


def _command(port: int) -> list[str]:
    words = ["prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)]
    return [sys.executable, "-m", *words]


def _environment(platform: "Platform", url: str) -> dict[str, str]:
    database = platform.postgres.sqlalchemy_url(DATABASE, driver="asyncpg")
    return {
        "PREFECT_HOME": str(platform.settings.home / "prefect"),
        "PREFECT_API_DATABASE_CONNECTION_URL": database,
        **platform.postgres.variables,
        # In memory, a restart of the server would end the runs that hold a slot.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
        "PREFECT_SERVER_UI_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _await_health(server: Process, url: str) -> None:
    wait_until(
        lambda: healthy(f"{url}/health") or not server.running(),
        START_TIMEOUT,
        pause=0.1,
    )
    if healthy(f"{url}/health"):
        return
    server.stop()
    raise BackendError(
        f"the Prefect server did not answer at {url} within {START_TIMEOUT:.0f} s; "
        f"see {server.log}. Its last lines:\n{server.tail(5)}"
    )
