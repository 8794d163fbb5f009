"""Keeps one service running: makes the world look as its folder desires.

`python -m mlops_common.serving.supervisor FOLDER` owns the listening socket of the
service's stable URL. A model server gets it when it is promoted, so that connections
wait, and are not refused, while one server takes over from another or is started again
after a crash. The supervisor outlives whoever deployed; its servers end when it dies.
"""

import asyncio
import logging
import random
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from mlops_common.errors import BackendError
from mlops_common.logger import get_logger
from mlops_common.processes import LOOPBACK, Identity
from mlops_common.serving.channel import RETIRE, STOP
from mlops_common.serving.revision import Revision
from mlops_common.serving.state import Desired, ServiceFolder, Status

log = get_logger("mlops_common.serving.supervisor")

TICK = 0.1  # seconds between two looks at what is desired
BACKLOG = 2048  # connections that may wait
# Below the ports that systems give to outgoing connections, which could take ours
# while the service is down.
PORTS = range(20_000, 30_000)
TRIES = 100


class Supervisor:
    """The controller of one service.

    Attributes:
        folder: What is desired, and where it is reported.
    """

    def __init__(self, folder: ServiceFolder, identity: Identity) -> None:
        self.folder = folder
        self._identity = identity
        self._desired = Desired()
        self._revisions: dict[int, Revision] = {}
        self._shared: socket.socket | None = None
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
            if not self._revisions and not self._desired.wanted():
                return
            await self._pause()

    def wake(self) -> None:
        """Look again now: something changed."""
        self._awake.set()

    def _stop(self) -> None:
        self._stopping = True
        self.wake()

    def _forgive(self) -> None:
        for number, revision in self._revisions.items():
            if revision.report.state == "failed":
                starts = revision.report.starts
                self._revisions[number] = self._started(number, starts)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK):
                await self._awake.wait()
        except TimeoutError:
            return
        self._awake.clear()

    def _reconcile(self) -> None:
        wanted = self._desired.wanted()
        for number in wanted - self._revisions.keys():
            self._revisions[number] = self._started(number)
        for number, revision in list(self._revisions.items()):
            if number not in wanted:
                self._dismiss(number, revision)
        self._promote()

    def _started(self, number: int, starts: int = 0) -> Revision:
        front = number == self._desired.serving
        return Revision(self.folder, number, self.wake, patient=front, starts=starts)

    def _promote(self) -> None:
        """Let the desired revision answer; refuse connections if it was given up.

        Connections wait from the moment that it is desired.
        """
        front = self._front
        if front is None:
            return
        front.patient = True
        if front.report.state == "failed":
            if not self._answering():
                self._close()
            return
        self._shared = self._shared or self._listening()
        if front.report.state == "ready":
            front.serve(self._shared)

    def _dismiss(self, number: int, revision: Revision) -> None:
        """End what is not wanted, but not the last that answers."""
        if revision.ended:
            del self._revisions[number]
        elif self._stopping or revision.report.state in {"starting", "ready"}:
            revision.leave(STOP)
        elif self._front is None or self._front.report.state == "serving":
            revision.leave(RETIRE)

    @property
    def _front(self) -> Revision | None:
        serving = self._desired.serving
        return None if serving is None else self._revisions[serving]

    def _answering(self) -> bool:
        states = (revision.report.state for revision in self._revisions.values())
        return "serving" in states

    def _listening(self) -> socket.socket:
        """Return a listening socket at the service's port, which is kept for ever.

        Raises:
            OSError: The port is taken, or too many are.
        """
        if kept := self._desired.port:
            return _bound(kept)
        for _ in range(TRIES - 1):
            port = random.choice(PORTS)  # noqa: S311 - any will do
            try:
                shared = _bound(port)
            except OSError:
                continue
            self.folder.desire(port=port)
            return shared
        raise OSError(f"no port of {TRIES} between {PORTS[0]} and {PORTS[-1]} is free")

    def _close(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _report(self, problem: str) -> None:
        status = Status(
            supervisor=self._identity.pid,
            port=self._shared.getsockname()[1] if self._shared else 0,
            problem=problem,
            revisions={n: r.report for n, r in self._revisions.items()},
        )
        if status != self._reported and self.folder.exists():
            if problem:
                log.error("%s", problem)
            self.folder.report(status)
            self._reported = status


def _bound(port: int) -> socket.socket:
    """Return a socket that listens on the loopback interface.

    Raises:
        OSError: The port is taken; says what to do.
    """
    shared = socket.socket()
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.bind((LOOPBACK, port))
        shared.listen(BACKLOG)
    except OSError as error:
        shared.close()
        raise OSError(
            f"port {port} cannot be used ({error.strerror}): end the program that "
            "has it, or set kserve.port"
        ) from error
    return shared


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
