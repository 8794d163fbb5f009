"""An MLflow tracking server for tests, with a login, on loopback."""

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK, Process, wait_until
from mlops_common.web import healthy

USER = "ann"
PATIENCE = 240.0  # seconds for a start on a busy machine
AUTHENTICATION = """
[mlflow]
default_permission = MANAGE
database_uri = sqlite:///{folder}/users.db
admin_username = {user}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@dataclass(frozen=True, slots=True)
class TrackingServer:
    """A running server.

    Attributes:
        url: Where it is.
        username: Of its one user.
        password: Of that user.
        process: The server.
    """

    url: str
    username: str
    password: SecretStr
    process: Process


@contextmanager
def tracking_server(folder: Path) -> Iterator[TrackingServer]:
    """Yield a server that keeps everything in `folder`, artifacts included."""
    password = SecretStr(secrets.token_urlsafe(16))
    file = folder / "authentication.ini"
    text = AUTHENTICATION.format(
        folder=folder, user=USER, password=password.get_secret_value()
    )
    file.write_text(text, "utf-8")
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(file),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
    }
    with _running(folder, ("--app-name", "basic-auth"), variables) as (url, process):
        yield TrackingServer(url, USER, password, process)


@contextmanager
def open_tracking_server(folder: Path) -> Iterator[str]:
    """Yield the URL of a server that admits everybody; see `tracking_server`."""
    with _running(folder, (), {}) as (url, _):
        yield url


@contextmanager
def _running(
    folder: Path, options: tuple[str, ...], variables: Mapping[str, str]
) -> Iterator[tuple[str, Process]]:
    port, process = free_port(), Process(folder, "mlflow")
    url = f"http://{LOOPBACK}:{port}"
    process.start(
        [*_command(folder, port), *options],
        {
            **variables,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
    )
    try:
        if not wait_until(lambda: healthy(f"{url}/health"), PATIENCE):
            raise AssertionError(f"no MLflow server: {process.tail()}")
        yield url, process
    finally:
        process.stop()


def _command(folder: Path, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", LOOPBACK, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
