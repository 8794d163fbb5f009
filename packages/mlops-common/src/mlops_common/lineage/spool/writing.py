"""Records put at the end of a spool, whose size is bounded."""

import os

from mlops_common.lineage.spool.folder import MODE, Position, SpoolFolder
from mlops_common.lineage.spool.record import END, framed

SEGMENT = 1 << 20  # bytes after which a new segment begins
LOST = "lost"  # file with the number of records that were dropped


class SpoolWriter:
    """Appends records; any number of threads and processes may do so at once.

    What `append` returned for survives the end of the process, however it ends. It is
    not waited for the disk: a power cut may take the last seconds.
    """

    def __init__(self, folder: SpoolFolder, limit: int) -> None:
        """Make a writer; nothing is touched before the first record.

        Args:
            folder: Of the spool.
            limit: Bytes of all segments. Where records that are not told yet exceed
                it, the oldest segment is dropped and its records are counted as lost;
                records that are put at once and exceed it by themselves are kept.
        """
        self.folder = folder
        self._limit = limit
        self._segment = max(min(SEGMENT, limit // 4), 1)
        self._known = 0  # the newest segment that this writer saw

    def append(self, *records: bytes) -> Position:
        """Put records at the end, all or none of them.

        Returns:
            The position behind them.

        Raises:
            OSError: The disk is full, or the folder cannot be written.
        """
        block = b"".join(framed(record) for record in records)
        with self.folder.turn():
            newest = self._newest(len(block))
            end = _append(str(self.folder.segment(newest)), block)
        return Position(newest, end)

    def _newest(self, room: int) -> int:
        """Return the segment to append so many bytes to, a new one if it is full."""
        if not self._is_newest(self._known):
            self._known = (self.folder.numbers() or [1])[-1]
        size = self.folder.size(self._known)
        if size and size + room > self._segment:
            self._bound(self.folder.numbers(), max(room, self._segment))
            self._known += 1
        return self._known

    def _is_newest(self, number: int) -> bool:
        """Whether a segment is there, and none after it: cheaper than to list all."""
        here, later = self.folder.segment(number), self.folder.segment(number + 1)
        return here.exists() and not later.exists()

    def _bound(self, numbers: list[int], room: int) -> None:
        """Drop the oldest segments until another one, of so many bytes, fits."""
        sizes = {number: self.folder.size(number) for number in numbers}
        total = sum(sizes.values())
        for number in numbers:
            if total + room <= self._limit:
                return
            drop(self.folder, number)
            total -= sizes[number]


def drop(folder: SpoolFolder, number: int) -> None:
    """Delete a segment in whose stead newer ones are kept; count what it held."""
    segment = folder.segment(number)
    count = segment.read_bytes().count(END)
    segment.unlink(missing_ok=True)
    (folder.path / LOST).write_text(str(lost(folder) + count), "utf-8")


def lost(folder: SpoolFolder) -> int:
    """Return how many records were dropped since the spool was made.

    Some of them may have been told to one receiver and not to another.
    """
    try:
        return int((folder.path / LOST).read_text("utf-8") or 0)
    except (OSError, ValueError):
        return 0


def _append(path: str, block: bytes) -> int:
    """Append a block to a file, all or nothing; return the size of the file then."""
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, MODE)
    try:
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != END
        whole = END + block if torn else block
        try:
            written = os.write(file, whole)
            if written != len(whole):
                os.write(file, whole[written:])
        except OSError:
            os.ftruncate(file, size)
            raise
        return size + len(whole)
    finally:
        os.close(file)
