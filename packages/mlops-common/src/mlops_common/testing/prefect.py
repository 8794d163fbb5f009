"""A Prefect server of a team, which admits who knows its secret, and workers for it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.deployments import POOL
from mlops_common.ports import free_port
from mlops_common.processes import GRACE, LOOPBACK, Process, wait_until
from mlops_common.web import healthy

SECRET = "team:not-guessed"  # noqa: S105 - of a server that lives for a test
PATIENCE = 300.0  # seconds
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")


@dataclass(frozen=True, slots=True)
class Team:
    """A Prefect server with its history in PostgreSQL.

    Attributes:
        url: Of its API.
        variables: By which Prefect finds it and is admitted.
    """

    url: str
    variables: Mapping[str, str]


@contextmanager
def team_server(
    platform: Platform, folder: Path, database: str = "team"
) -> Iterator[Team]:
    """Yield a server in a database of its own; runs wait two seconds for a slot."""
    url = f"http://{LOOPBACK}:{free_port()}/api"
    port = url.rpartition(":")[2].partition("/")[0]
    platform.postgres.ensure_database(database)
    server = Process(folder, "team-server")
    server.start(
        [*PREFECT, "server", "start", "--host", LOOPBACK, "--port", port],
        {
            "PREFECT_HOME": str(folder / "server"),
            "PREFECT_API_DATABASE_CONNECTION_URL": platform.postgres.sqlalchemy_url(
                database, driver="asyncpg"
            ),
            **platform.postgres.variables,
            "PREFECT_SERVER_API_AUTH_STRING": SECRET,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
            "PREFECT_SERVER_UI_API_URL": url,
        },
    )
    try:
        up = wait_until(lambda: healthy(f"{url}/health"), PATIENCE)
        assert up, server.tail()
        yield Team(url, {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": SECRET})
    finally:
        server.stop()


class Worker:
    """A process worker, in a folder that is no checkout.

    Attributes:
        process: Of the worker.
        log: What it and its runs wrote.
    """

    def __init__(self, team: Team, folder: Path) -> None:
        self.log = folder / f"worker-{time.monotonic_ns()}.log"
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(
                [*PREFECT, "worker", "start", "--pool", POOL],
                cwd=folder,
                env={
                    **os.environ,
                    **team.variables,
                    "PREFECT_WORKER_QUERY_SECONDS": "1",
                    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
                    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
                },
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def running(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kill it as `kill -9` does; its runs are left to themselves."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, once it has no runs; it may not hear of a signal."""
        self.process.terminate()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
