"""The folder of a spool: its segments, in order, and the lock of those who write."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".log"
MODE = 0o600  # queries and errors concern nobody else
LOCK = "lock"
PATIENCE = 0.05  # seconds to wait for another writer, who needs microseconds
PAUSE = 0.001  # seconds between two tries


@dataclass(frozen=True, order=True)
class Position:
    """A place in a spool.

    Attributes:
        segment: Number of the segment, from 1.
        offset: Bytes of it that lie before.
    """

    segment: int = 0
    offset: int = 0


class SpoolFolder:
    """Paths of a spool, and turns to change it.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def numbers(self) -> list[int]:
        """Return the numbers of the segments that there are, the oldest first."""
        try:
            with os.scandir(self.path) as entries:
                names = [entry.name for entry in entries]
        except OSError:
            return []
        stems = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    def segment(self, number: int) -> Path:
        """Return the path of a segment."""
        return self.path / f"{number:010d}{SUFFIX}"

    def size(self, number: int) -> int:
        """Return the bytes of a segment; 0 where it is gone."""
        try:
            return self.segment(number).stat().st_size
        except OSError:
            return 0

    def end(self) -> Position:
        """Return the position behind all that there is."""
        newest = (self.numbers() or [0])[-1]
        return Position(newest, self.size(newest))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one who changes segments; made when absent.

        Raises:
            OSError: The folder cannot be written, or a writer does not end.
        """
        try:
            lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, MODE)
        except FileNotFoundError:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, MODE)
        try:
            _claim(lock)
            try:
                yield
            finally:
                # Closing would not do while a fork of this process has it open too.
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            os.close(lock)


def _claim(lock: int) -> None:
    """Lock an open file, in bounded time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE)
        else:
            return
