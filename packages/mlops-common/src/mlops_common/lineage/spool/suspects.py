"""Which record a process looks at, on disk: one that ends processes becomes known."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mlops_common.lineage.spool.folder import MODE, SpoolFolder

MOST_ENDS = 2  # processes that a record may end, one after the other
NOBODY = 0
MARK = b"%010d %010d %03d\n"


class Suspects:
    """Knows the record at which the last processes ended.

    A process that ends by a fault of a library writes nothing any more. So it is
    written down before which record is looked at, and afterwards that it went well.
    """

    def __init__(self, folder: SpoolFolder, receiver: str) -> None:
        """Make it; nothing is touched yet.

        Args:
            folder: Of the spool.
            receiver: Name of the receiver, fit for a file name.
        """
        self._path = folder.path / f"{receiver}.suspect"
        self._suspect = NOBODY
        self._ends = 0

    def resume(self) -> None:
        """Learn at which record the process before this one ended, if at any."""
        looked_at, self._suspect, self._ends = self._read()
        if looked_at != NOBODY:
            again = looked_at == self._suspect
            self._suspect, self._ends = looked_at, self._ends + 1 if again else 1

    def guilty(self, record: bytes) -> bool:
        """Whether a record ended too many processes to be looked at once more."""
        return self._ends >= MOST_ENDS and zlib.crc32(record) == self._suspect

    @contextmanager
    def watching(self) -> Iterator[Callable[[bytes], None]]:
        """Yield a function to be told each record before it is looked at."""
        seen: set[int] = set()

        def look(record: bytes) -> None:
            total = zlib.crc32(record)
            seen.add(total)
            self._write(total)

        try:
            yield look
        finally:
            if self._suspect in seen:
                self._suspect, self._ends = NOBODY, 0
            self.clear()

    def clear(self) -> None:
        """Say that no record is looked at any more."""
        self._write(NOBODY)

    def _read(self) -> tuple[int, int, int]:
        try:
            looked_at, suspect, ends = self._path.read_bytes().split()
            return int(looked_at), int(suspect), int(ends)
        except (OSError, ValueError):
            return NOBODY, NOBODY, 0

    def _write(self, looked_at: int) -> None:
        with suppress(OSError):
            file = os.open(self._path, os.O_CREAT | os.O_WRONLY, MODE)
            try:
                os.pwrite(file, MARK % (looked_at, self._suspect, self._ends), 0)
            finally:
                os.close(file)
