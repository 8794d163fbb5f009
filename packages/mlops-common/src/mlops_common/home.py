"""The home folder: what runs in it, how to stop that, how to start over."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common.errors import BackendError, ConfigError, MlopsError
from mlops_common.orchestration.server import server_process, server_url
from mlops_common.progress import step

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform
    from mlops_common.postgres.database import Postgres
    from mlops_common.serving.base import ServiceStatus


def status(platform: "Platform") -> dict[str, str]:
    """Return what runs in the home folder and where, by name."""
    home = platform.settings.home
    state = {"Home": f"{home} ({_size(home)})", "PostgreSQL": _postgres(platform)}
    state["Prefect"] = server_url(home) or "not running"
    for name in platform.serving.names():
        state[f"Endpoint {name}"] = _service(platform.serving.status(name))
    return state


def stop(platform: "Platform") -> Iterator[str]:
    """Stop all that runs in the home folder, users of a part before the part.

    Yields:
        The name of each part after it stopped.
    """
    home = platform.settings.home
    for name in platform.serving.names():
        with step(f"Stop endpoint {name}"):
            platform.serving.stop(name)
        yield f"endpoint {name}"
    server = server_process(home)
    if server.running():
        with step("Stop the Prefect server"):
            server.stop()
        yield "the Prefect server"
    embedded = platform.postgres.server
    if embedded is not None and embedded.running():
        with step("Stop PostgreSQL"):
            embedded.stop()
        yield "PostgreSQL"


def reset(platform: "Platform") -> None:
    """Stop everything and delete the home folder.

    Raises:
        ConfigError: The folder does not look like a home; nothing is deleted.
        BackendError: A file cannot be deleted; the others are.
    """
    home = platform.settings.home
    if home.exists() and not _is_home(home):
        raise ConfigError(
            f"{home} does not look like a home folder of mlops: it holds none of "
            "postgres, objects and datasets; delete it yourself if you mean to"
        )
    for _ in stop(platform):
        pass
    embedded = platform.postgres.server
    if embedded is not None:
        embedded.remove()
    _delete(home)


def _delete(home: Path) -> None:
    """Delete a folder, at first all that can be, then what could not, to be told."""
    shutil.rmtree(home, ignore_errors=True)
    try:
        if home.exists():
            shutil.rmtree(home)
    except OSError as error:
        raise BackendError(
            f"cannot delete all of {home}: {error.filename}: {error.strerror}; see "
            "that no program uses it and that its files are yours, then reset again"
        ) from error


def _is_home(home: Path) -> bool:
    marks = ("postgres", "objects", "datasets", "prefect")
    return not any(home.iterdir()) or any((home / mark).exists() for mark in marks)


def _service(status: "ServiceStatus") -> str:
    if status.endpoint is None or not status.running:
        return status.problem or "not running"
    version = status.endpoint.model.version
    restarts = f", restarted {status.restarts} times" if status.restarts else ""
    canary = f", {_canary(status)}" if status.percent else ""
    return f"{status.endpoint.infer_url} (version {version}{restarts}{canary})"


def _canary(status: "ServiceStatus") -> str:
    version = status.staged.model.version if status.staged else "unknown"
    restarts = status.canary_restarts
    told = f", restarted {restarts} times" if restarts else ""
    return f"{status.percent} % of the requests to version {version}{told}"


def _postgres(platform: "Platform") -> str:
    server = platform.postgres.server
    if server is None:
        return _external(platform.postgres)
    if not server.running():
        return "not running"
    return (
        f"psql -h {server.socket_dir} -U postgres {platform.settings.postgres.database}"
    )


def _external(postgres: "Postgres") -> str:
    try:
        with postgres.connect() as connection:
            connection.execute("SELECT 1")
    except MlopsError as error:
        return str(error).partition("\n")[0]
    return f"{postgres.address}, reachable"


def _size(folder: Path) -> str:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except OSError:
            continue
    return f"{total / 1e6:,.0f} MB"
