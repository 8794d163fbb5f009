"""A PostgreSQL server of our own, from a wheel, in the home folder.

Started on demand and shared by every process that uses the home; it belongs to none
of them, so that killing any leaves it running. Two locks make that safe:

- `turn.lock` is held by whoever starts or stops the server;
- `life.lock` is inherited by the server's processes. The kernel releases it when the
  last of them dies, which no pid file can tell: not after a crash, not for a zombie,
  not when the number was given to another process.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from psycopg.pq import PGconn, Ping

from mlops_common import files, locks, progress
from mlops_common.errors import BackendError
from mlops_common.postgres import launch, placement, processes, shelter
from mlops_common.postgres.placement import PORT, Place
from mlops_common.processes import Identity

PATIENCE = 120.0  # seconds for a start; recovery after a crash takes longest
SILENCE = 10.0  # seconds after which a server that nobody can reach is ended
PAUSE = 0.02


class EmbeddedServer:
    """The PostgreSQL server of one home folder.

    Attributes:
        home: The folder; deleting it is a full reset.
        port: Part of the socket's name; no network port is opened.

    Examples:
        >>> import tempfile
        >>> EmbeddedServer(Path(tempfile.mkdtemp())).running()
        False
    """

    port: int = PORT

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def socket_dir(self) -> Path:
        """The private folder of the socket, known once the server was started."""
        return placement.locate(self.home).sockets

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return placement.locate(self.home).log

    def running(self) -> bool:
        """Whether the server takes connections."""
        return _answer(placement.locate(self.home)) == Ping.OK

    def identity(self) -> Identity | None:
        """Return its first process while it takes connections."""
        if not self.running():
            return None
        file = placement.locate(self.home).data / "postmaster.pid"
        try:
            return Identity.of(int(file.read_text("utf-8").split("\n", 1)[0]))
        except (OSError, ValueError):
            return None

    def start(self) -> None:
        """Start the server unless it runs; make its data at the first time.

        Raises:
            ConfigError: PostgreSQL cannot run here or as this user.
            BackendError: It failed to start, as on a full disk; retrying may help.
        """
        if self.running():
            return
        place = placement.locate(self.home)
        with progress.step("Start PostgreSQL"), _turn(place):
            shelter.sweep()
            placement.prepare(place)
            _launch(place)

    def stop(self) -> None:
        """Stop the server; its clients are disconnected, their transactions undone.

        Raises:
            BackendError: It does not stop.
        """
        place = placement.locate(self.home)
        if not place.control.is_dir():
            return
        with _turn(place):
            if locks.held(place.life):
                launch.end(place)

    def remove(self) -> None:
        """End the server at once and delete all its data."""
        place = placement.locate(self.home)
        if not place.control.is_dir():
            return
        with _turn(place):
            processes.end(place.data)
            placement.discard(place)


@contextmanager
def _turn(place: Place) -> Iterator[None]:
    """Wait for the turn to start or stop the server."""
    files.make_folder(place.control)
    with locks.exclusive(place.turn):
        yield


def _launch(place: Place) -> None:
    with locks.opened(place.life) as life:
        if not _claimed(place, life):
            return
        launch.begin(place, life)
    deadline = time.monotonic() + PATIENCE
    while _answer(place) != Ping.OK:
        if not locks.held(place.life):
            raise BackendError(launch.failure(place, "PostgreSQL did not start"))
        if time.monotonic() > deadline:
            raise BackendError(
                f"PostgreSQL did not answer within {PATIENCE:.0f} s; see {place.log}"
            )
        time.sleep(PAUSE)


def _claimed(place: Place, life: BinaryIO) -> bool:
    """Wait until no server lives (true) or the living one answers (false)."""
    spoken = time.monotonic()
    while not locks.claim(life):
        answer = _answer(place)
        if answer == Ping.OK:
            return False
        if answer == Ping.REJECT:
            spoken = time.monotonic()
        elif time.monotonic() > spoken + SILENCE:
            processes.end(place.data)
        time.sleep(PAUSE)
    return True


def _answer(place: Place) -> Ping:
    if not place.private:
        return Ping.NO_RESPONSE
    conninfo = f"host='{_quoted(place)}' port={PORT} connect_timeout=5"
    return Ping(PGconn.ping(conninfo.encode()))


def _quoted(place: Place) -> str:
    return str(place.sockets).replace("\\", "\\\\").replace("'", "\\'")
