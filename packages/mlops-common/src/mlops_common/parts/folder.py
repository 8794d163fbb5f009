"""The files of the platform of one home: what shall run, and how that goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from mlops_common import locks
from mlops_common.errors import BackendError
from mlops_common.files import replacing
from mlops_common.processes import Process, wait_until
from mlops_common.progress import step

TURN = 900.0  # seconds after which the other one hangs
State: TypeAlias = Literal["waiting", "starting", "running", "failed"]


class Record(BaseModel):
    """Base of what is kept in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Plan(Record):
    """What `mlops up` decided, so that nobody else has to ask Prefect's settings.

    Attributes:
        prefect: Configured Prefect API, without its password; empty for our server.
        mlflow: Configured tracking server, likewise.
    """

    prefect: str = ""
    mlflow: str = ""


class Progress(Record):
    """How one part is doing, as the keeper sees it.

    Attributes:
        state: `waiting` for the parts that it needs; `failed` is tried again.
        restarts: How often it was started again since `mlops up`.
        problem: What went wrong last, and when; empty if nothing did.
    """

    state: State = "waiting"
    restarts: int = 0
    problem: str = ""


class Report(Record):
    """What the keeper reports.

    Attributes:
        keeper: Number of its process.
        keepers: How many there were since `mlops up`, itself included.
        parts: Progress of each part, by name.
    """

    keeper: int = 0
    keepers: int = 1
    parts: dict[str, Progress] = {}


@dataclass(frozen=True, slots=True)
class PlatformFolder:
    """The files of one home's platform.

    Attributes:
        home: The home folder.
    """

    home: Path

    @property
    def path(self) -> Path:
        """The folder of them all; also the working folder of the parts."""
        return self.home / "platform"

    @property
    def parts(self) -> Path:
        """Records, logs and ports of the parts that only `mlops up` starts."""
        return self.path / "parts"

    @property
    def keeper(self) -> Process:
        """The process that keeps the parts running."""
        return Process(self.path, "keeper")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn to raise or lower the platform, and hold it.

        Raises:
            BackendError: It did not come.
        """
        with locks.opened(self.path / "turn.lock") as stream:
            if not locks.claim(stream):
                with step("Wait for another `mlops up` or `mlops down`"):
                    if not wait_until(lambda: locks.claim(stream), TURN):
                        raise BackendError(
                            f"another `mlops up` or `mlops down` of {self.home} did "
                            f"not end within {TURN:.0f} s; see what it waits for"
                        )
            yield

    @property
    def alive(self) -> Path:
        """Lock that the keeper holds as long as it lives."""
        return self.path / "alive.lock"

    def plan(self) -> Plan | None:
        """Return what shall run; nothing while the platform is down."""
        text = _text(self.path / "plan.json")
        try:
            return None if text is None else Plan.model_validate_json(text)
        except ValidationError:
            return None

    def decide(self, plan: Plan) -> None:
        """Say what shall run.

        Raises:
            BackendError: The disk is full, or the folder cannot be written.
        """
        with replacing(self.path / "plan.json") as partial:
            partial.write_text(plan.model_dump_json(), "utf-8")

    def forget(self) -> None:
        """Say that nothing shall run, and forget how it went."""
        for name in ("plan.json", "report.json"):
            (self.path / name).unlink(missing_ok=True)

    def report(self) -> Report:
        """Return what the living keeper reported; an empty one where none lives."""
        identity, report = self.keeper.identity(), self.last_report()
        lives = identity is not None and report.keeper == identity.pid
        return report if lives else Report()

    def last_report(self) -> Report:
        """Return what a keeper reported last, be it that it died."""
        text = _text(self.path / "report.json")
        try:
            return Report() if text is None else Report.model_validate_json(text)
        except ValidationError:
            return Report()

    def tell(self, report: Report) -> None:
        """Keep the keeper's report.

        Raises:
            BackendError: The disk is full, or the folder cannot be written.
        """
        with replacing(self.path / "report.json", flush=False) as partial:
            partial.write_text(report.model_dump_json(), "utf-8")


def _text(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except OSError:
        return None
