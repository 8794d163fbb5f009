"""Background processes that outlive whoever started them.

A process is known by its record, `<folder>/<name>.json`: its number and the instant
of its creation, so that a number which the system gave to another program is never
signalled. It writes the record itself, under a lock, in the moment before it becomes
the wanted program: killing the starter at any instant leaves no unknown process, and
of two starters at once one wins.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_common import locks
from mlops_common.errors import BackendError
from mlops_common.files import replace_text
from mlops_common.log_files import bound

LOOPBACK = "127.0.0.1"
GRACE = 10.0  # seconds to end in good order
PAUSE = 0.02
START_TIMEOUT = 60.0
OF_A_RUN = "PREFECT__"  # begins the variables by which Prefect tells a run who it is
# Instants of creation differ this much when the clock was set in between.
TOLERANCE = 2.0


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, never confused with a later one of the same number.

    Attributes:
        pid: Number of the process.
        created: When it was created, seconds since the epoch.

    Examples:
        >>> Identity.of(os.getpid()).alive()
        True
        >>> Identity(os.getpid(), created=0.0).alive()
        False
    """

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """Return the identity of a living process.

        Raises:
            ProcessLookupError: There is none of this number that is ours to see, or
                it is a zombie.
        """
        import psutil

        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                raise ProcessLookupError(f"process {pid} is a zombie")
            return cls(pid, process.create_time())
        except (psutil.NoSuchProcess, psutil.AccessDenied) as error:
            raise ProcessLookupError(f"no process {pid} of ours") from error

    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        try:
            found = Identity.of(self.pid)
        except ProcessLookupError:
            return False
        return abs(found.created - self.created) < TOLERANCE

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it, if it runs."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def end(self, grace: float = GRACE) -> None:
        """Ask it to end, wait `grace` seconds, then kill it with its group.

        Raises:
            BackendError: It does not die.
        """
        self.signal(signal.SIGTERM)
        if wait_until(lambda: not self.alive(), grace):
            return
        self._kill_group()
        self.signal(signal.SIGKILL)
        if not wait_until(lambda: not self.alive(), GRACE):
            raise BackendError(f"process {self.pid} does not end, not even by SIGKILL")

    def _kill_group(self) -> None:
        """Kill the group that it leads, if any; it may die meanwhile."""
        try:
            if self.alive() and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


class Process:
    """A background process with its record, log and lock in one folder.

    Attributes:
        name: Name of the three files, before `.json`, `.log` and `.lock`.
        log: What it wrote to standard output and error.

    Examples:
        >>> import tempfile
        >>> sleeper = Process(Path(tempfile.mkdtemp()), "sleeper")
        >>> sleeper.start(["sleep", "60"])
        >>> sleeper.running()
        True
        >>> sleeper.stop()
        >>> sleeper.running()
        False
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder.resolve()
        self.name = name
        self.log = self.folder / f"{name}.log"

    def identity(self) -> Identity | None:
        """Return who runs, if anybody does."""
        identity = _read(self._record)
        return identity if identity is not None and identity.alive() else None

    def running(self) -> bool:
        """Whether it runs."""
        return self.identity() is not None

    def start(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it in a session of its own, unless it runs.

        Args:
            command: Program and arguments; never a secret, anybody may read them.
            environment: Variables added to those of this process.

        Raises:
            BackendError: The program cannot be started.
        """
        if self.running():
            return
        launcher = [sys.executable, "-m", __name__, str(self.folder), self.name]
        bound(self.log)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                [*launcher, *command],
                env={**detached(os.environ), **(environment or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=START_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendError(f"cannot start {self.name}: {error}") from error
        if done.returncode:
            raise BackendError(
                f"cannot start {self.name} ({command[0]}): {done.stderr.strip()}"
            )

    def stop(self, grace: float = GRACE) -> None:
        """End it, at first in good order; no error if it does not run.

        Args:
            grace: Seconds before it is killed.

        Raises:
            BackendError: It does not die.
        """
        identity = self.identity()
        if identity is not None:
            identity.end(grace)

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        return tail(self.log, lines)

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.name}.json"

    def become(self, command: Sequence[str]) -> None:
        """Turn this process into the wanted program, unless that runs already.

        Returns only where it runs already.

        Raises:
            OSError: The program cannot be executed.
        """
        with locks.exclusive(self.folder / f"{self.name}.lock"):
            if self.running():
                return
            own = Identity.of(os.getpid())
            text = json.dumps({"pid": own.pid, "created": own.created})
            replace_text(self._record, text)
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted


def exists(pid: int) -> bool:
    """Whether a process of this number runs, whoever it is; a zombie does not."""
    try:
        Identity.of(pid)
    except ProcessLookupError:
        return False
    return True


def detached(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that name the flow run of this process.

    What a run starts and leaves running is no part of that run.

    Examples:
        >>> detached({"PREFECT__FLOW_RUN_ID": "1", "HOME": "/home/ann"})
        {'HOME': '/home/ann'}
    """
    return {k: v for k, v in variables.items() if not k.startswith(OF_A_RUN)}


def tail(log: Path, lines: int = 20, limit: int = 1 << 16) -> str:
    """Return the last lines of a log, of its last `limit` bytes; empty if none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - limit))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def wait_until(
    met: Callable[[], bool], timeout: float, *, pause: float = PAUSE
) -> bool:
    """Wait until a condition is met; return whether it was, within the seconds."""
    deadline = time.monotonic() + timeout
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def _read(record: Path) -> Identity | None:
    try:
        return Identity(**json.loads(record.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _launch(folder: str, name: str, *command: str) -> None:
    """Leave the starter's session and become `command`; report what went wrong.

    The starter waits for this process, which ends at once. The pipe is closed by the
    program's start, or says why there is none.
    """
    process = Process(Path(folder), name)
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader) as stream:
            sys.exit(stream.read() or 0)
    try:
        os.setsid()
        _redirect(process.log)
        process.become(command)
    except BaseException as error:  # noqa: BLE001 - the starter shall hear of it
        os.write(writer, str(error).encode())
    finally:
        os._exit(1)


def _redirect(log: Path) -> None:
    """Read nothing, and write to the log."""
    source = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream, number in ((source, 0), (target, 1), (target, 2)):
        os.dup2(stream, number)


if __name__ == "__main__":
    _launch(*sys.argv[1:])
