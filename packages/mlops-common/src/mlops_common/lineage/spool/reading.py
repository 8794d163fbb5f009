"""Records of a spool in their order, and how far a receiver was told."""

import os
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlops_common.lineage.spool.folder import MODE, Position, SpoolFolder
from mlops_common.lineage.spool.record import lines, unframed

BLOCK = 1 << 20  # bytes read at once, unless a record is longer
AT = ".at"  # suffix of the file that says how far a receiver was told
FORGOTTEN = 3 * 86_400.0  # seconds until a receiver that nobody names holds up nothing
CURSOR = "%010d %015d"


@dataclass(frozen=True)
class Batch:
    """Records that follow a position.

    Attributes:
        records: In their order.
        end: The position behind them.
        broken: Lines between them that a crash left.
    """

    records: tuple[bytes, ...]
    end: Position
    broken: int = 0


class SpoolReader:
    """Reads a spool for one receiver.

    Attributes:
        position: Behind what the receiver was told.
    """

    def __init__(self, folder: SpoolFolder, receiver: str) -> None:
        """Take up where the receiver was told last.

        Args:
            folder: Of the spool.
            receiver: Name of the receiver, fit for a file name.
        """
        self.folder = folder
        self._cursor = cursor_path(folder, receiver)
        self._unkept = False
        self.position = read_cursor(self._cursor)

    @property
    def told(self) -> Position:
        """Behind what the receiver was told, by whichever process.

        That is what is kept on disk, which starts anew where the spool was deleted,
        unless the disk did not take what was to be kept.
        """
        kept = read_cursor(self._cursor)
        return max(self.position, kept) if self._unkept else kept

    def resume(self) -> None:
        """Take up where another process left off, and say that someone tells here."""
        self.keep(self.told)

    def batch(self, most: int) -> Batch:
        """Return up to `most` records that follow the position."""
        numbers = self.folder.numbers()
        at = _present(self.position, numbers)
        while at.segment:
            # Known before the read: then nobody appends to this one any more.
            newer = [number for number in numbers if number > at.segment]
            found = self._read(at, most, complete=bool(newer))
            if found.records or found.broken or not newer:
                return found
            at = Position(newer[0])
        return Batch((), self.position)

    def keep(self, position: Position) -> None:
        """Keep that the receiver was told what lies before `position`.

        Where the disk takes nothing it is remembered, and kept with the next one.
        """
        self.position = position
        self._unkept = True
        with suppress(OSError):
            write_cursor(self._cursor, position)
            self._unkept = False

    def _read(self, at: Position, most: int, *, complete: bool) -> Batch:
        block = _block(self.folder.segment(at.segment), at.offset)
        records: list[bytes] = []
        offset, broken = at.offset, 0
        for line in lines(block):
            if len(records) == most:
                break
            offset += len(line)
            record = unframed(line[:-1])
            if record is None:
                broken += 1
            else:
                records.append(record)
        torn = complete and offset == at.offset and bool(block)
        end = offset + len(block) if torn else offset
        return Batch(tuple(records), Position(at.segment, end), broken + torn)


def reclaim(folder: SpoolFolder, receivers: Iterable[str]) -> None:
    """Delete the segments that all receivers were told, but for the last one.

    Processes of one home may name different receivers: those that another one tried to
    tell of late count too.

    Args:
        folder: Of the spool.
        receivers: Names of those that this process tells.

    Raises:
        OSError: The folder cannot be written, or a writer does not end.
    """
    names = {*receivers, *_named_of_late(folder)}
    told = min(read_cursor(cursor_path(folder, name)) for name in names).segment
    if not any(number < told for number in folder.numbers()):
        return
    with folder.turn():
        for number in folder.numbers()[:-1]:
            if number < told:
                folder.segment(number).unlink(missing_ok=True)


def _named_of_late(folder: SpoolFolder) -> Iterator[str]:
    """Yield the names of receivers that any process tried to tell of late."""
    for cursor in folder.path.glob(f"*{AT}"):
        if time.time() - cursor.stat().st_mtime < FORGOTTEN:
            yield cursor.stem


def waiting(folder: SpoolFolder, receiver: str) -> int:
    """Return how many bytes a receiver was not told yet."""
    numbers = folder.numbers()
    at = _present(read_cursor(cursor_path(folder, receiver)), numbers)
    sizes = {n: folder.size(n) for n in numbers if n >= at.segment}
    return sum(sizes.values()) - min(at.offset, sizes.get(at.segment, 0))


def cursor_path(folder: SpoolFolder, receiver: str) -> Path:
    """Return the file that says how far a receiver was told."""
    return folder.path / f"{receiver}{AT}"


def read_cursor(path: Path) -> Position:
    """Return the position that a file holds; the beginning where it holds none."""
    try:
        text = path.read_text("ascii")
        place, _, total = text.strip().rpartition(" ")
        if int(total, 16) == zlib.crc32(place.encode()):
            segment, offset = place.split(" ")
            return Position(int(segment), int(offset))
    except (OSError, ValueError):
        pass
    return Position()


def write_cursor(path: Path, position: Position) -> None:
    """Write a position in place, which needs no room on the disk but the first time.

    Raises:
        OSError: The file cannot be written.
    """
    place = (CURSOR % (position.segment, position.offset)).encode()
    file = os.open(path, os.O_CREAT | os.O_WRONLY, MODE)
    try:
        os.pwrite(file, b"%s %08x\n" % (place, zlib.crc32(place)), 0)
    finally:
        os.close(file)


def _present(position: Position, numbers: list[int]) -> Position:
    """Return the position, or the start of the next segment where its own is gone."""
    if position.segment in numbers:
        return position
    later = [number for number in numbers if number > position.segment]
    return Position(later[0] if later else (numbers or [0])[0])


def _block(path: Path, offset: int) -> bytes:
    """Return bytes of a segment, at least one line of it unless none ends."""
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            block = stream.read(BLOCK)
            while block and b"\n" not in block and (more := stream.read(BLOCK)):
                block += more
            return block
    except FileNotFoundError:
        return b""
