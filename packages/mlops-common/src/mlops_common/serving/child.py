"""One run of a model server, as its supervisor sees it."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress

from mlops_common.logger import get_logger
from mlops_common.processes import LOOPBACK
from mlops_common.serving.channel import LENGTH, SERVE, tell
from mlops_common.serving.state import ServiceFolder

log = get_logger(__name__)

START_TIMEOUT = 180.0  # seconds until a server must be ready
CHECK_EVERY = 5.0  # seconds between two health checks
CHECK_TIMEOUT = 30.0  # a server that is silent for so long hangs
GRACE = 45.0  # seconds to finish what was begun, log included
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # one row is scored faster by one thread
    "KSERVE_LOGLEVEL": "WARNING",  # else lines for every request
}
# It makes a server count into files of a folder that may be gone.
UNWANTED = "PROMETHEUS_MULTIPROC_DIR"


class Child:
    """A model server process from its start to its end.

    Attributes:
        pid: Its number, once it runs.
        port: Its private port, once it is ready.
    """

    def __init__(self, folder: ServiceFolder, revision: int) -> None:
        self._folder = folder
        self._revision = revision
        self._line: socket.socket | None = None
        self._process: Process | None = None
        self.pid: int | None = None
        self.port = 0

    async def run(self, hear: Callable[[str], None]) -> None:
        """Start it and return at its end.

        Args:
            hear: Called with `starting`, then each word that it says.
        """
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)  # noqa: FBT003 - the library's signature
        with self._line, theirs:
            self._process = await self._start(theirs.fileno())
            self.pid = self._process.pid
            theirs.close()
            hear("starting")
            try:
                await self._listen(self._line, hear)
            finally:
                self._kill()
                await self._process.wait()
        log.info("%s ended with %s", self, self._process.returncode)

    def tell(self, word: bytes, shared: socket.socket | None = None) -> None:
        """Tell it something; all but `serve` give it some seconds to end."""
        if self._line is None or self._line.fileno() < 0:
            return
        tell(self._line, word, shared)
        if word != SERVE:
            asyncio.get_running_loop().call_later(GRACE, self._kill)

    async def _start(self, handle: int) -> Process:
        module = ("-m", "mlops_common.model_server")
        where = (str(self._folder.path), str(self._revision), str(handle))
        with self._folder.log(self._revision).open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, *module, *where),
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                pass_fds=[handle],
            )

    async def _listen(self, line: socket.socket, hear: Callable[[str], None]) -> None:
        """Hear it until its end of the line closes, which its death does too."""
        loop = asyncio.get_running_loop()
        check: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(START_TIMEOUT) as patience:
                while said := await loop.sock_recv(line, LENGTH):
                    for words in said.decode().splitlines():
                        word, *port = words.split()
                        if port:
                            patience.reschedule(None)
                            self.port = int(port[0])
                            check = loop.create_task(self._check())
                        hear(word)
        except TimeoutError:
            log.error("%s was not ready in %.0f s", self, START_TIMEOUT)  # noqa: TRY400
        except ConnectionError:
            return
        finally:
            if check is not None:
                check.cancel()

    async def _check(self) -> None:
        """Kill it when it no longer answers that its model is ready."""
        name = self._folder.path.name
        while True:
            await asyncio.sleep(CHECK_EVERY)
            try:
                async with asyncio.timeout(CHECK_TIMEOUT):
                    answer = await _head(self.port, f"/v2/models/{name}/ready")
            except (OSError, TimeoutError) as error:
                answer = repr(error)
            if " 200 " not in answer:
                log.error("%s is not healthy: %s", self, answer)
                self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def __str__(self) -> str:
        return f"revision {self._revision} (process {self.pid})"


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


def _environment() -> dict[str, str]:
    inherited = {key: text for key, text in os.environ.items() if key != UNWANTED}
    return {**inherited, **ENVIRONMENT}
