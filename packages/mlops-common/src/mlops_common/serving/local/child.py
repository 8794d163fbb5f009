"""One run of a program, as its supervisor sees it."""

import asyncio
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress

from mlops_common.logger import get_logger
from mlops_common.processes import LOOPBACK
from mlops_common.serving.local.channel import LENGTH, RETIRE, STOP, Lines, Told, tell
from mlops_common.serving.local.programs import Program

log = get_logger(__name__)

START_TIMEOUT = 180.0  # seconds until a server must be ready
CHECK_EVERY = 5.0  # seconds between two health checks
CHECK_TIMEOUT = 30.0  # a server that is silent for so long hangs
GRACE = 45.0  # seconds to finish what was begun, log included


class Child:
    """A process from its start to its end.

    Attributes:
        pid: Its number, once it runs.
        port: Its private port, once it is ready.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._line: socket.socket | None = None
        self._process: Process | None = None
        self._checking: asyncio.Task[None] | None = None
        self.pid: int | None = None
        self.port = 0

    async def run(self, hear: Callable[[str, str], None]) -> None:
        """Start it and return at its end.

        Args:
            hear: Called with `starting`, then each word that it says, and what
                comes after the word.
        """
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)  # noqa: FBT003 - the library's signature
        with self._line, theirs:
            self._process = await self._start(theirs.fileno())
            self.pid = self._process.pid
            theirs.close()
            hear("starting", "")
            try:
                await self._listen(self._line, hear)
            finally:
                self._kill()
                await self._process.wait()
        log.info("%s ended with %s", self, self._process.returncode)

    def tell(self, told: Told) -> None:
        """Tell it something; `retire` and `stop` give it some seconds to end."""
        if self._line is None or self._line.fileno() < 0:
            return
        tell(self._line, told)
        if told.word in {RETIRE, STOP}:
            # It no longer listens while it finishes.
            self._stop_checking()
            asyncio.get_running_loop().call_later(GRACE, self._kill)

    async def _start(self, handle: int) -> Process:
        with self._program.log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *self._program.command(handle),
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                env=self._program.environment(),
                pass_fds=[handle],
            )

    async def _listen(
        self, line: socket.socket, hear: Callable[[str, str], None]
    ) -> None:
        """Hear it until its end of the line closes, which its death does too."""
        loop = asyncio.get_running_loop()
        lines = Lines()
        try:
            async with asyncio.timeout(START_TIMEOUT) as patience:
                while said := await loop.sock_recv(line, LENGTH):
                    for text in lines.complete(said):
                        word, _, argument = text.decode().partition(" ")
                        if word == "ready":
                            patience.reschedule(None)
                            self.port = int(argument)
                            self._checking = loop.create_task(self._check())
                        hear(word, argument)
        except TimeoutError:
            log.error("%s was not ready in %.0f s", self, START_TIMEOUT)  # noqa: TRY400
        except ConnectionError:
            return
        finally:
            self._stop_checking()

    async def _check(self) -> None:
        """Kill it when it no longer answers that its model is ready."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            try:
                async with asyncio.timeout(CHECK_TIMEOUT):
                    answer = await _head(self.port, self._program.health)
            except (OSError, TimeoutError) as error:
                answer = repr(error)
            if " 200 " not in answer:
                log.error("%s is not healthy: %s", self, answer)
                self._kill()

    def _stop_checking(self) -> None:
        if self._checking is not None:
            self._checking.cancel()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def __str__(self) -> str:
        return f"{self._program.title} (process {self.pid})"


async def _head(port: int, path: str) -> str:
    """Return the status line of a GET request."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n"
        )
        writer.write(request.encode())
        return (await reader.readline()).decode("latin-1").strip()
    finally:
        writer.close()
