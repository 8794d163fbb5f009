"""The files of a service: what it shall run, what it runs, its revisions and logs.

`desired.json` is written by whoever deploys, `status.json` by the supervisor, which
makes the world look as desired. Versions to run are numbered revisions, each with its
specification and its log in a folder of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from mlops_common import locks
from mlops_common.errors import BackendError
from mlops_common.files import replace_text
from mlops_common.processes import Process, tail
from mlops_common.serving.artifact import checked, verified
from mlops_common.serving.base import SPECS, ServiceSpec
from mlops_common.serving.local.records import Desired, Status

KEPT = 5  # newest revisions whose logs are kept


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

    def model(self, revision: int) -> Path:
        """Return the folder of a revision's model, its bytes checked.

        Raises:
            NotFoundError: The folder is gone.
            ContractError: Its bytes are not those that were staged.
        """
        spec, link = self.spec(revision), self._revision(revision) / "model"
        if link.is_symlink():
            return checked(spec.model, link.resolve())
        return verified(spec.model)

    def add(self, spec: ServiceSpec, model: Path | None = None) -> int:
        """Keep a new revision and return its number; old ones are forgotten.

        Args:
            spec: What it is.
            model: Local folder of its model, where that is not what its URI names.

        Raises:
            BackendError: As for `desire`.
        """
        numbers = self._revisions()
        number = max(numbers, default=0) + 1
        kept = self.desired().needed() | set(numbers[-KEPT:])
        for old in set(numbers) - kept:
            rmtree(self._revision(old), ignore_errors=True)
        text = SPECS.dump_json(spec).decode()
        with _writing(self.path):
            if model is not None:
                self._revision(number).mkdir(parents=True, exist_ok=True)
                (self._revision(number) / "model").symlink_to(model)
            replace_text(self._revision(number) / "spec.json", text)
        return number

    def log(self, revision: int) -> Path:
        """Return the path of a revision's log."""
        return self._revision(revision) / "log"

    @property
    def router_log(self) -> Path:
        """The path of the router's log."""
        return self.path / "router.log"

    def remove(self) -> None:
        """Delete everything.

        Raises:
            BackendError: A file cannot be deleted.
        """
        try:
            rmtree(self.path)
        except OSError as error:
            raise BackendError(
                f"cannot delete all of {self.path}: {error.filename}: "
                f"{error.strerror}; see that no program uses it, then delete the "
                f"service {self.path.name!r} again"
            ) from error

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
