"""What a service shall run and what it runs: files in the service's folder.

`desired.json` is written by whoever deploys, `status.json` by the supervisor, which
makes the world look as desired. Versions to run are numbered revisions, each with its
specification and its log in a folder of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, TypeAdapter

from mlops_common import locks
from mlops_common.errors import BackendError
from mlops_common.files import replace_text
from mlops_common.processes import Identity, Process, exists, tail
from mlops_common.serving.base import ServiceSpec

KEPT = 5  # newest revisions whose logs are kept

State: TypeAlias = Literal["starting", "ready", "serving", "retiring", "failed"]
SPECS = TypeAdapter(ServiceSpec)


class Record(BaseModel):
    """Base of what is kept in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Desired(Record):
    """What a service shall run.

    Attributes:
        port: Port of the stable URL; 0 until the supervisor took one.
        serving: Revision that shall have the stable URL.
        staged: Revision that shall run beside it.
        owner: Process that staged it.
    """

    port: int = 0
    serving: int | None = None
    staged: int | None = None
    owner: Identity | None = None

    def wanted(self) -> set[int]:
        """Return the revisions that shall run."""
        return {n for n in (self.serving, self.staged) if n is not None}


class Report(Record):
    """How one revision is doing.

    Attributes:
        state: `ready` answers at its private port, `serving` at the stable URL too;
            `retiring` only finishes; `failed` was given up.
        pid: Its process, if there is one.
        port: Its private port, once it is ready.
        starts: How often its process was started.
    """

    state: State = "starting"
    pid: int | None = None
    port: int = 0
    starts: int = 0

    @property
    def answers(self) -> bool:
        """Whether it answers at the stable URL; its supervisor may not know yet."""
        return self.state == "serving" and self.pid is not None and exists(self.pid)


class Status(Record):
    """What a service runs.

    Attributes:
        supervisor: Process that wrote this.
        port: Port of the stable URL.
        problem: Why the supervisor cannot do its work; empty if it can.
        revisions: Report of each revision that runs or failed.
    """

    supervisor: int
    port: int = 0
    problem: str = ""
    revisions: dict[int, Report] = {}


@dataclass(frozen=True, slots=True)
class ServiceFolder:
    """The files of one service."""

    path: Path

    @property
    def supervisor(self) -> Process:
        """The process that keeps the service running."""
        return Process(self.path, "supervisor")

    def exists(self) -> bool:
        """Whether anything was ever staged here."""
        return (self.path / "desired.json").exists()

    def desired(self) -> Desired:
        """Return what the service shall run; nothing where that was never said."""
        try:
            text = (self.path / "desired.json").read_text("utf-8")
        except FileNotFoundError:
            return Desired()
        return Desired.model_validate_json(text)

    def desire(self, **changes: object) -> Desired:
        """Change what the service shall run, one process at a time.

        Raises:
            BackendError: The disk is full, or the folder cannot be written.
        """
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with locks.exclusive(self.path / "desired.lock"):
                values = {**self.desired().model_dump(), **changes}
                desired = Desired.model_validate(values)
                replace_text(self.path / "desired.json", desired.model_dump_json())
        return desired

    def status(self) -> Status | None:
        """Return what the living supervisor reported, if there is one."""
        identity = self.supervisor.identity()
        if identity is None:
            return None
        try:
            text = (self.path / "status.json").read_text("utf-8")
        except FileNotFoundError:
            return None
        status = Status.model_validate_json(text)
        return status if status.supervisor == identity.pid else None

    def report(self, status: Status) -> None:
        """Keep the supervisor's report.

        Raises:
            BackendError: As for `desire`.
        """
        with _writing(self.path):
            replace_text(self.path / "status.json", status.model_dump_json())

    def spec(self, revision: int) -> ServiceSpec:
        """Return what a revision is."""
        text = (self._revision(revision) / "spec.json").read_text("utf-8")
        return SPECS.validate_json(text)

    def add(self, spec: ServiceSpec) -> int:
        """Keep a new revision and return its number; old ones are forgotten.

        Raises:
            BackendError: As for `desire`.
        """
        numbers = self._revisions()
        number = max(numbers, default=0) + 1
        kept = self.desired().wanted() | set(numbers[-KEPT:])
        for old in set(numbers) - kept:
            rmtree(self._revision(old), ignore_errors=True)
        text = SPECS.dump_json(spec).decode()
        with _writing(self.path):
            replace_text(self._revision(number) / "spec.json", text)
        return number

    def log(self, revision: int) -> Path:
        """Return the path of a revision's log."""
        return self._revision(revision) / "log"

    def last_words(self, revision: int) -> str:
        """Return the last lines of a revision's log, for a message."""
        lines = tail(self.log(revision)) or "nothing"
        return f"the end of {self.log(revision)} says:\n{lines}"

    @contextmanager
    def deploying(self) -> Iterator[bool]:
        """Hold the turn to deploy, if nobody has it; yields whether it is ours."""
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with locks.opened(self.path / "deploy.lock") as stream:
            yield locks.claim(stream)

    def _revision(self, number: int) -> Path:
        return self.path / "revisions" / str(number)

    def _revisions(self) -> list[int]:
        folder = self.path / "revisions"
        names = (path.name for path in folder.glob("*"))
        return sorted(int(name) for name in names if name.isdigit())


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise BackendError(
            f"cannot write the state of service {folder.name!r} in {folder}: "
            f"{error.strerror}; free some space, or point MLOPS_HOME elsewhere"
        ) from error
