"""Runs PostgreSQL's programs as the server's user: make, start and end a cluster."""

import errno
import os
import re
import secrets
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

from mlops_common.errors import BackendError, ConfigError
from mlops_common.log_files import bound
from mlops_common.postgres import placement, processes
from mlops_common.postgres.placement import PORT, REMEDY, SOCKET, Place
from mlops_common.processes import detached

SUPERUSER = "postgres"
SETTINGS = files("mlops_common.postgres") / "server.conf"
PARTIAL = ".partial-"
LOG_TAIL = 2_000
LINES = 3  # of a program that failed
WHY = re.compile(r"\b(error|FATAL|PANIC|HINT):|could not|cannot ")
FULL = os.strerror(errno.ENOSPC)
CLUSTER = (
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    # Unlike the C.UTF-8 of the system, the same on Linux and macOS.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


def begin(place: Place, life: BinaryIO) -> None:
    """Start the server, which inherits the lock `life`; make its data when absent.

    Raises:
        ConfigError: The programs cannot run here.
        BackendError: The data cannot be made.
    """
    programs = placement.programs(place.owner)
    if not (place.data / "PG_VERSION").exists():
        _make(place, programs)
    _clear(place)
    _configure(place)
    bound(place.log)
    with place.log.open("ab") as log:
        # pg_ctl detaches the server from this process, its session and its terminal.
        _run(
            place,
            [str(programs / "pg_ctl"), "start", "-W", "-D", str(place.data)],
            stdout=log,
            stderr=log,
            pass_fds=(life.fileno(),),
        )


def end(place: Place) -> None:
    """Stop the server in order; at once if it does not within a minute."""
    programs = placement.programs(place.owner)
    stop = [str(programs / "pg_ctl"), "stop", "-w", "-m", "fast", "-D", str(place.data)]
    _run(place, stop, capture_output=True)
    processes.end(place.data)


def failure(place: Place, what: str, said: str = "") -> str:
    """Return a message with the lines that say why.

    Args:
        place: Of the server.
        what: What failed.
        said: By a program; what the server logged last when empty.
    """
    if not place.control.is_dir():
        return f"{what}: {place.control} was deleted meanwhile; run the command again"
    told = said or _logged(place)
    if FULL in told:
        return (
            f"{what}: the disk of {place.data.parent} is full; free some space or "
            "point MLOPS_HOME at another disk"
        )
    source = "" if said else f"; see {place.log}"
    return f"{what} in {place.data}{source}:\n{_telling(told)}"


def _logged(place: Place) -> str:
    try:
        return place.log.read_text("utf-8", "replace")[-LOG_TAIL:]
    except OSError as error:
        return f"its log cannot be read: {error.strerror}"


def _telling(said: str) -> str:
    """Return the last lines of a program that say why it failed.

    Examples:
        >>> _telling("initdb: error: no such file")
        'initdb: error: no such file'
    """
    lines = said.strip().splitlines()
    telling = [line for line in lines if WHY.search(line)] or lines
    return "\n".join(telling[-LINES:])


def _make(place: Place, programs: Path) -> None:
    """Make the data folder under a temporary name, so that it is whole or absent."""
    for leftover in place.data.parent.glob(f"{PARTIAL}*"):
        shutil.rmtree(leftover)
    partial = place.data.parent / f"{PARTIAL}{secrets.token_hex(4)}"
    partial.mkdir()
    placement.give(partial, place.owner)
    command = [str(programs / "initdb"), *CLUSTER, "-D", str(partial)]
    made = _run(place, command, capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        said = made.stderr or made.stdout
        raise BackendError(failure(place, "PostgreSQL cannot make its data", said))
    partial.rename(place.data)


def _clear(place: Place) -> None:
    """Remove the traces of a crash, which a reused process number may keep alive."""
    for file in (
        place.data / "postmaster.pid",
        place.sockets / SOCKET,
        place.sockets / f"{SOCKET}.lock",
    ):
        file.unlink(missing_ok=True)


def _configure(place: Place) -> None:
    """Write the settings file of the server."""
    folder = str(place.sockets).replace("'", "''")
    target = place.data / "postgresql.conf"
    partial = target.with_suffix(".partial")
    try:
        partial.write_text(
            f"{SETTINGS.read_text('utf-8')}\nport = {PORT}\n"
            f"unix_socket_directories = '\"{folder}\"'\n",
            "utf-8",
        )
    except OSError as error:
        raise BackendError(
            failure(place, "PostgreSQL cannot be configured", str(error))
        ) from error
    partial.chmod(0o644)
    partial.replace(target)


def _run(place: Place, command: list[str], **options: Any) -> Any:
    """Run a program of PostgreSQL as the server's user.

    Raises:
        ConfigError: It cannot run here.
    """
    identity: dict[str, Any] = {}
    if place.owner is not None:
        uid, gid = place.owner.uid, place.owner.gid
        identity = {"user": uid, "group": gid, "extra_groups": []}
    own = detached(os.environ)
    variables = {k: v for k, v in own.items() if not k.startswith("PG")}
    variables |= {"LC_ALL": "C"}
    try:
        return subprocess.run(
            command,
            check=False,
            cwd="/",
            env=variables,
            stdin=subprocess.DEVNULL,
            **identity,
            **options,
        )
    except OSError as error:
        user = place.owner.uid if place.owner else os.geteuid()
        raise ConfigError(
            f"cannot run {command[0]} as user {user}: {error.strerror}; use Linux with "
            f"glibc or macOS, {REMEDY}"
        ) from error
