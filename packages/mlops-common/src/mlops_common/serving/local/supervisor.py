"""Keeps one service running: makes the world look as its folder desires.

`python -m mlops_common.serving.local.supervisor FOLDER` owns the listening socket of
the service's stable URL. A model server gets it when it is promoted, and a router while
two versions share the requests, so that connections wait, and are not refused, while
one process takes over from another or is started again after a crash. The supervisor
outlives whoever deployed; its servers end when it dies.
"""

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from mlops_common.errors import BackendError
from mlops_common.log_files import bound
from mlops_common.logger import get_logger
from mlops_common.processes import Identity
from mlops_common.serving.local.channel import RETIRE, STOP
from mlops_common.serving.local.entrance import Entrance
from mlops_common.serving.local.programs import Program
from mlops_common.serving.local.records import Desired, Status
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.serving.local.worker import Worker

log = get_logger("mlops_common.serving.local.supervisor")

TICK = 0.1  # seconds between two looks at what is desired


class Supervisor:
    """The controller of one service.

    Attributes:
        folder: What is desired, and where it is reported.
    """

    def __init__(self, folder: ServiceFolder, identity: Identity) -> None:
        self.folder = folder
        self._identity = identity
        self._desired = Desired()
        self._revisions: dict[int, Worker] = {}
        self._entrance = Entrance(folder, self.wake)
        self._reported: Status | None = None
        self._stopping = False
        self._awake = asyncio.Event()

    async def run(self) -> None:
        """Work until nothing is desired, or SIGTERM; SIGHUP tries again what failed."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._forgive)
        while True:
            self._desired = Desired() if self._stopping else self.folder.desired()
            try:
                self._reconcile()
                problem = ""
            except (OSError, BackendError) as error:
                problem = str(error)
            with suppress(BackendError):  # a full disk; the next round tries again
                self._report(problem)
            self._bound_logs()
            if self._idle:
                return
            await self._pause()

    def wake(self) -> None:
        """Look again now: something changed."""
        self._awake.set()

    @property
    def _idle(self) -> bool:
        runs = self._revisions or self._desired.wanted()
        return not runs and self._entrance.quiet

    def _stop(self) -> None:
        self._stopping = True
        self.wake()

    def _forgive(self) -> None:
        for number, revision in self._revisions.items():
            if revision.report.state == "failed":
                starts = revision.report.starts
                self._revisions[number] = self._started(number, starts)
        self._entrance.forgive()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK):
                await self._awake.wait()
        except TimeoutError:
            return
        self._awake.clear()

    def _reconcile(self) -> None:
        wanted = self._desired.wanted()
        for number in wanted:
            # One that retires may be wanted again before it ended.
            if number not in self._revisions or self._revisions[number].left:
                self._revisions[number] = self._started(number)
        for number, revision in list(self._revisions.items()):
            if number not in wanted:
                self._dismiss(number, revision)
        self._entrance.settle(self._desired, self._revisions)

    def _started(self, number: int, starts: int = 0) -> Worker:
        front = number == self._desired.serving
        program = Program.model_server(self.folder, number)
        return Worker(program, self.wake, patient=front, starts=starts)

    def _dismiss(self, number: int, revision: Worker) -> None:
        """End what is not wanted, but not the last that answers."""
        front = self._revisions.get(self._desired.serving or 0)
        if revision.ended:
            del self._revisions[number]
        elif self._entrance.leads_to(number):
            return
        elif self._stopping:
            revision.leave(STOP)
        elif (
            revision.report.state != "serving"
            or front is None
            or front.report.state == "serving"
        ):
            revision.leave(RETIRE)

    def _bound_logs(self) -> None:
        """Let no log grow for ever of what runs here."""
        bound(self.folder.router_log)
        for number in self._revisions:
            bound(self.folder.log(number))

    def _report(self, problem: str) -> None:
        status = Status(
            supervisor=self._identity.pid,
            port=self._entrance.port,
            problem=problem,
            revisions={n: r.report for n, r in self._revisions.items()},
            router=self._entrance.report,
        )
        if status != self._reported and self.folder.exists():
            if problem:
                log.error("%s", problem)
            self.folder.report(status)
            self._reported = status


def main(folder: str) -> None:
    """Supervise the service of `folder` until it is told to stop."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    service = ServiceFolder(Path(folder))
    identity = service.supervisor.identity()
    if identity is None:
        raise SystemExit(f"start the supervisor of {folder} as its process, not so")
    asyncio.run(Supervisor(service, identity).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
