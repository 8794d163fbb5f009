"""A Prefect server of a team, which admits who knows its secret, and workers for it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlops_common.bootstrap import Platform
from mlops_common.ports import free_port
from mlops_common.processes import GRACE, LOOPBACK, Process, wait_until
from mlops_common.web import healthy

SECRET = "team:not-guessed"  # noqa: S105 - of a server that lives for a test
PATIENCE = 300.0  # seconds
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
MARKS = ("worker", "start")  # words of the command of a worker
QUICK = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
}


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
    """A worker that was started by a line in a shell.

    Attributes:
        log: What it and its runs wrote.
    """

    def __init__(
        self, line: str, team: Team, folder: Path, variables: Mapping[str, str]
    ) -> None:
        """Start it.

        Args:
            line: Such as `prefect worker start --pool local-pool`.
            team: Whose runs it takes.
            folder: Where it runs; no checkout.
            variables: More variables.
        """
        self.log = folder / f"worker-{time.monotonic_ns()}.log"
        with self.log.open("wb") as said:
            self._shell = subprocess.Popen(
                ["bash", "-ec", line],  # noqa: S607 - whatever bash there is
                cwd=folder,
                env={**os.environ, **QUICK, **team.variables, **variables},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def process(self) -> psutil.Process:
        """It, and not the shell or `uv`, which wait for it."""
        shell = psutil.Process(self._shell.pid)
        return [shell, *filter(_is_worker, shell.children(recursive=True))][-1]

    def running(self) -> bool:
        """Whether it runs."""
        return self._shell.poll() is None

    def kill(self) -> None:
        """Kill it as `kill -9` does; its runs are left to themselves."""
        self.process.kill()
        self._shell.wait()

    def stop(self) -> None:
        """End it, once it has no runs; it may not hear of a signal."""
        if not self.running():
            return
        self.process.terminate()
        try:
            self._shell.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()


def _is_worker(process: psutil.Process) -> bool:
    try:
        return {*MARKS} <= {*process.cmdline()}
    except psutil.Error:
        return False
