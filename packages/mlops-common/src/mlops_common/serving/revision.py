"""One revision of a service, whose model server is started again when it dies."""

import asyncio
import socket
from collections.abc import Callable

from mlops_common.logger import get_logger
from mlops_common.serving.channel import SERVE, STOP
from mlops_common.serving.child import Child
from mlops_common.serving.state import Report, ServiceFolder, State

log = get_logger("mlops_common.serving.supervisor")

ATTEMPTS = 5  # starts in a row after which a revision is given up
STABLE = 30.0  # seconds that a server must live for its next crash to count as first
PAUSE = 0.1  # seconds before the second start in a row, then twice that, …
STATES: dict[str, State] = {
    "starting": "starting",
    "ready": "ready",
    "serving": "serving",
    "retiring": "retiring",
}


class Revision:
    """A revision that shall run.

    Attributes:
        report: How it is doing.
        patient: Whether a server that never got ready is started again, as that of
            the stable URL is; who stages a version wants to hear of its failure.
    """

    def __init__(
        self,
        folder: ServiceFolder,
        number: int,
        changed: Callable[[], None],
        *,
        patient: bool,
        starts: int = 0,
    ) -> None:
        self._folder = folder
        self._number = number
        self._changed = changed
        self._child = Child(folder, number)
        self._told: set[bytes] = set()
        self._leaving = False
        self.patient = patient
        self.report = Report(starts=starts)
        self._task = asyncio.create_task(self._run())

    @property
    def ended(self) -> bool:
        """Whether its server ended and is not started again."""
        return self._task.done()

    def serve(self, shared: socket.socket) -> None:
        """Let it answer at the stable URL too."""
        if SERVE not in self._told:
            self._told.add(SERVE)
            self._child.tell(SERVE, shared)

    def leave(self, word: bytes) -> None:
        """Let it end for good: `stop` now, `retire` when its connections are done."""
        if word not in self._told:
            self._told.add(word)
            self._leaving = True
            self._child.tell(word)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._leaving:
            began = loop.time()
            self._child = Child(self._folder, self._number)
            self._told.discard(SERVE)
            try:
                await self._child.run(self._hear)
            except OSError:
                log.exception("revision %d cannot be started", self._number)
            failures = 1 if loop.time() - began > STABLE else failures + 1
            hopeless = self.report.port == 0 and not self.patient
            if failures == ATTEMPTS or hopeless:
                break
            self._update("starting")
            await asyncio.sleep(PAUSE * 2 ** (failures - 1))
        log.info("revision %d is %s", self._number, "left" if self._leaving else "lost")
        self._update("retiring" if self._leaving else "failed")

    def _hear(self, word: str) -> None:
        if word == "starting":
            starts = self.report.starts + 1
            self.report = self.report.model_copy(update={"starts": starts})
        if self._leaving and word in {"starting", "ready"}:
            self._child.tell(STOP)
        self._update(STATES[word])

    def _update(self, state: State) -> None:
        self.report = Report(
            state=state,
            pid=self._child.pid,
            port=self._child.port or self.report.port,
            starts=self.report.starts,
        )
        self._changed()
