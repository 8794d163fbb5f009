"""Tells one receiver what a spool holds, in order."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from mlops_common.errors import BackendError, ConfigError
from mlops_common.lineage.courtesy import courteous, courtesy
from mlops_common.lineage.emission.overflow import Overflow
from mlops_common.lineage.emission.taking import Taking
from mlops_common.lineage.receivers.base import Event, Receiver
from mlops_common.lineage.spool.folder import MODE, Position, SpoolFolder
from mlops_common.lineage.spool.reading import Batch, SpoolReader, reclaim, waiting
from mlops_common.lineage.spool.suspects import Suspects
from mlops_common.logger import get_logger
from mlops_common.params import masked

AT_ONCE = 200  # records read from the spool in one go
NEEDED = ("mlops_common.lineage.event", "openlineage_sql")
GUILTY = "the programs that looked at it ended"
REFUSED = "refused.jsonl"
REFUSED_LIMIT = 1 << 20  # bytes after which refused events are only logged

log = get_logger(__name__)
_locks: set[int] = set()  # open files by which this process has its turn


class Outlet:
    """Tells one receiver, one process at a time.

    Attributes:
        receiver: Who is told.
        reader: How far it was told.
    """

    def __init__(
        self,
        receiver: Receiver,
        folder: SpoolFolder,
        event: Callable[[bytes], Event],
        *,
        peers: Sequence[str],
        overflow: Overflow | None = None,
    ) -> None:
        """Make an outlet; nothing is told yet.

        Args:
            receiver: Who is told.
            folder: Of the spool.
            event: Makes the event of a record.
            peers: Names of all receivers: what all of them were told is deleted.
            overflow: What the disk did not take, to be told after the spool.
        """
        self.receiver = receiver
        self.reader = SpoolReader(folder, receiver.name)
        self._folder = folder
        self._event = event
        self._peers = peers
        self._overflow = overflow
        self._suspects = Suspects(folder, receiver.name)
        self._taking = Taking(receiver)
        self.refused = 0

    @property
    def told(self) -> Position:
        """The position behind what the receiver was told, by whichever process."""
        return self.reader.told

    @property
    def silence(self) -> float:
        """Seconds for which an answer of the receiver has been awaited."""
        return self._taking.silence

    def tell(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Tell what there is, unless another process is at it.

        Args:
            stop: Asked before each batch.

        Returns:
            How many records are settled: told, or refused for good.

        Raises:
            MlopsError: The receiver is away; what was not told is kept.
        """
        count = 0
        # Asked first, since it costs less than to look into the spool.
        if waiting(self._folder, self.receiver.name):
            with self._turn() as ours:
                if ours:
                    self.reader.resume()
                    self._suspects.resume()
                    while not stop() and (batch := self._tell_batch()) is not None:
                        count += len(batch.records)
        overflow = self._overflow
        if overflow is None or not overflow.waiting(self.receiver.name):
            return count
        if not self.reader.batch(1).records:
            while not stop() and (found := self._tell_overflow(overflow)):
                count += found
        return count

    def abandon(self) -> None:
        """Say that the program ends while an event is made, by no fault of that."""
        self._suspects.clear()

    def _tell_batch(self) -> Batch | None:
        """Tell the next records of the spool, and return them; none at its end."""
        batch = self.reader.batch(min(AT_ONCE, self.receiver.most))
        if batch.broken:
            log.warning("%d records of lineage were cut short by a crash", batch.broken)
        if batch.records:
            self._settle(batch.records)
        if batch.end == self.reader.position:
            return None
        self.reader.keep(batch.end)
        with suppress(OSError):
            reclaim(self._folder, self._peers)
        return batch

    def _tell_overflow(self, overflow: Overflow) -> int:
        """Tell the next records that the disk did not take; return how many."""
        with overflow.next(self.receiver.name, self.receiver.most) as records:
            if records:
                self._settle(records)
        return len(records)

    def _settle(self, records: Sequence[bytes]) -> None:
        """Tell records; one that cannot be told, and never will be, is set aside.

        Raises:
            MlopsError: The receiver is away.
        """
        _import()
        events: list[Event] = []
        sources: list[bytes] = []
        with self._suspects.watching() as look:
            for record in courteous(records):
                if self._suspects.guilty(record):
                    self._set_aside(record, GUILTY)
                    continue
                look(record)
                event = self._made(record)
                if event is not None:
                    events.append(event)
                    sources.append(record)
        courtesy().step_aside()
        for refused in self._taking.take(events):
            self._set_aside(sources[refused.index], refused.reason)

    def _made(self, record: bytes) -> Event | None:
        """Return the event of a record; none of one that is set aside.

        Raises:
            BackendError: There is no room to make it, on disk or in memory.
        """
        try:
            return self._event(record)
        except (OSError, MemoryError) as error:
            raise BackendError(f"no event can be made now: {error!r}") from error
        except Exception as error:  # noqa: BLE001 - a mistake of ours stops no others
            self._set_aside(record, f"{type(error).__name__}: {error}")
            return None

    def _set_aside(self, record: bytes, reason: str) -> None:
        """Keep a record that will never be told, where there is room, and say so."""
        self.refused += 1
        why = masked(reason)
        path = self._folder.path / REFUSED
        log.warning("%s refused an event of lineage: %s", self.receiver.name, why)
        line = {"receiver": self.receiver.name, "reason": why}
        kept = {**line, "record": masked(record.decode("utf-8", "replace"))}
        with suppress(OSError):
            file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, MODE)
            with os.fdopen(file, "ab") as stream:
                if stream.tell() < REFUSED_LIMIT:
                    os.fchmod(file, MODE)
                    stream.write(json.dumps(kept).encode() + b"\n")

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Be the only one who tells this receiver; false where another one is at it.

        The kernel ends the turn of a process that dies.
        """
        path = self._folder.path / f"{self.receiver.name}.lock"
        try:
            lock = os.open(path, os.O_CREAT | os.O_RDWR, MODE)
        except OSError:  # no such folder, or not ours: then there is nothing to tell
            yield False
            return
        _locks.add(lock)
        try:
            yield _claimed(lock)
        finally:
            _locks.discard(lock)
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)


def _import() -> None:
    """Import what makes events, before any record could be blamed for it.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        for module in NEEDED:
            import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"lineage needs {error.name}; install mlops-common[lineage]"
        ) from error


def _claimed(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _forget_locks() -> None:
    """Close in a fork what would keep the turn of its parent when that dies."""
    while _locks:
        with suppress(OSError):
            os.close(_locks.pop())


os.register_at_fork(after_in_child=_forget_locks)
