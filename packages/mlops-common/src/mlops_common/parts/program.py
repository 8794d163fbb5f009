"""A part that only the keeper starts: a Python module with a health page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_common.errors import BackendError
from mlops_common.files import make_folder
from mlops_common.parts import leash
from mlops_common.parts.folder import PlatformFolder
from mlops_common.ports import Remembered
from mlops_common.processes import LOOPBACK, Identity, Process, wait_until
from mlops_common.web import answers, healthy

PATIENCE = 240.0  # seconds until it must be healthy, on a busy machine
PAUSE = 0.2
GRACE = 20.0  # seconds to end in good order


@dataclass(frozen=True)
class Program:
    """A part that runs a module of Python.

    Attributes:
        folder: Of the platform.
        name: Short name.
        title: Name for people.
        command: Returns the module and its arguments, given its port.
        environment: Returns its variables, given its port.
        health: Path that answers 200 at its port when it is well.
        page: Whether it has something to look at in a browser.
        after: Names of the parts that must be well before.
        prepare: What is to be done before it is started.
    """

    folder: PlatformFolder
    name: str
    title: str
    command: Callable[[int], Sequence[str]]
    environment: Callable[[int], Mapping[str, str]]
    health: str = "/health"
    page: bool = False
    after: tuple[str, ...] = ()
    prepare: Callable[[], None] = lambda: None

    @property
    def process(self) -> Process:
        """Its process, whether or not it lives."""
        return Process(self.folder.parts, self.name)

    @property
    def log(self) -> Path:
        """What it had to say."""
        return self.process.log

    @property
    def remembered(self) -> Remembered:
        """Its port, on which it listens each time."""
        return Remembered(self.folder.parts / f"{self.name}.port")

    def identity(self) -> Identity | None:
        """Return its process while it lives."""
        return self.process.identity()

    def port(self) -> int | None:
        """Return its port; nothing before its first start."""
        return self.remembered.number()

    def url(self) -> str:
        """Return where people find it; empty if it has no page."""
        return f"http://{LOOPBACK}:{self.port()}" if self.page else ""

    def healthy(self) -> bool:
        """Whether it lives and answers that all is well."""
        return self.identity() is not None and healthy(self._address)

    def answers(self) -> bool:
        """Whether it answers, be it that something is wrong."""
        return answers(self._address)

    def start(self) -> None:
        """Start it unless it lives, and return once it is healthy.

        Raises:
            BackendError: It ended, or was not healthy in time; with its last words.
        """
        if self.identity() is None:
            self._launch()
        wait_until(
            lambda: self.identity() is None or self.healthy(), PATIENCE, pause=PAUSE
        )
        if not self.healthy():
            ended = self.identity() is None
            self.process.stop()
            how = "ended" if ended else f"was not healthy within {PATIENCE:.0f} s"
            raise BackendError(
                f"{self.title} {how}; see {self.log}. Its last lines:\n"
                f"{self.process.tail(5)}"
            )

    def stop(self) -> None:
        """End it, at first in good order."""
        self.process.stop(GRACE)

    @property
    def _address(self) -> str:
        return f"http://{LOOPBACK}:{self.port()}{self.health}"

    def _launch(self) -> None:
        make_folder(self.folder.parts)
        self.prepare()
        port = self.remembered.settled()
        self.process.start(
            leash.command(self.folder, self.command(port)), self.environment(port)
        )
