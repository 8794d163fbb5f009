"""An MLflow tracking server for tests, with a login, on loopback."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from mlops_common.processes import LOOPBACK, Process, free_port, wait_until
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
    port = free_port()
    server = TrackingServer(
        url=f"http://{LOOPBACK}:{port}",
        username=USER,
        password=password,
        process=Process(folder, "mlflow"),
    )
    server.process.start(
        _command(folder, port),
        {
            "MLFLOW_AUTH_CONFIG_PATH": str(file),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
    )
    try:
        if not wait_until(lambda: healthy(f"{server.url}/health"), PATIENCE):
            raise AssertionError(f"no MLflow server: {server.process.tail()}")
        yield server
    finally:
        server.process.stop()


def _command(folder: Path, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
        *("--host", LOOPBACK, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
