"""A program that shall run, and is started again when it dies."""

import asyncio
import socket
from collections.abc import Callable

from mlops_common.logger import get_logger
from mlops_common.serving.local.channel import LEAVE, ROUTE, SERVE, STOP, Told
from mlops_common.serving.local.child import Child
from mlops_common.serving.local.programs import Program
from mlops_common.serving.local.records import Report, Route, State

log = get_logger("mlops_common.serving.local.supervisor")

ATTEMPTS = 5  # starts in a row after which a program is given up
STABLE = 30.0  # seconds that a process must live for its next crash to count as first
PAUSE = 0.1  # seconds before the second start in a row, then twice that, …
STATES: dict[str, State] = {
    "starting": "starting",
    "ready": "ready",
    "serving": "serving",
    "left": "ready",
    "retiring": "retiring",
}


class Worker:
    """A program that shall run.

    Attributes:
        report: How it is doing.
        patient: Whether a process that never got ready is started again, as that of
            the stable URL is; who stages a version wants to hear of its failure.
    """

    def __init__(
        self,
        program: Program,
        changed: Callable[[], None],
        *,
        patient: bool,
        starts: int = 0,
    ) -> None:
        self._program = program
        self._changed = changed
        self._child = Child(program)
        self._shares = False
        self._route = Route()
        self._farewells: set[bytes] = set()
        self.patient = patient
        self.report = Report(starts=starts)
        self._task = asyncio.create_task(self._run())

    @property
    def ended(self) -> bool:
        """Whether its process ended and is not started again."""
        return self._task.done()

    @property
    def left(self) -> bool:
        """Whether it ended because it was told to."""
        return self.ended and bool(self._farewells)

    def serve(self, shared: socket.socket) -> None:
        """Let it answer at the stable URL too."""
        if not self._shares:
            self._shares = True
            self._child.tell(Told(SERVE, shared=shared))

    def withdraw(self) -> None:
        """Let it answer at its private port alone."""
        if self._shares:
            self._shares = False
            self._child.tell(Told(LEAVE))

    def follow(self, route: Route) -> None:
        """Let it send requests along a route; for a router that is ready."""
        if route != self._route:
            self._route = route
            self._child.tell(Told(ROUTE, route.model_dump_json().encode()))

    def leave(self, word: bytes) -> None:
        """Let it end for good: `stop` now, `retire` when its connections are done."""
        if word not in self._farewells:
            self._farewells.add(word)
            self._child.tell(Told(word))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._farewells:
            began = loop.time()
            self._child = Child(self._program)
            self._shares, self._route = False, Route()
            try:
                await self._child.run(self._hear)
            except OSError:
                log.exception("%s cannot be started", self._program.title)
            failures = 1 if loop.time() - began > STABLE else failures + 1
            hopeless = self.report.port == 0 and not self.patient
            if failures == ATTEMPTS or hopeless:
                break
            self._update("starting")
            await asyncio.sleep(PAUSE * 2 ** (failures - 1))
        title = self._program.title
        log.info("%s is %s", title, "left" if self._farewells else "lost")
        self._update("retiring" if self._farewells else "failed")

    def _hear(self, word: str, argument: str) -> None:
        if word == "routed":
            route = Route.model_validate_json(argument)
            self.report = self.report.model_copy(update={"route": route})
            self._changed()
            return
        if word == "starting":
            starts = self.report.starts + 1
            self.report = self.report.model_copy(update={"starts": starts})
        if self._farewells and word in {"starting", "ready"}:
            self._child.tell(Told(STOP))
        self._update(STATES[word])

    def _update(self, state: State) -> None:
        route = Route() if state == "starting" else self.report.route
        self.report = Report(
            state=state,
            pid=self._child.pid,
            port=self._child.port or self.report.port,
            starts=self.report.starts,
            route=route,
        )
        self._changed()
