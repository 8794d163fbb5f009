"""Lineage on its way: written down at once, told by threads behind the run's back."""

import atexit
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from mlops_common.lineage.courtesy import courtesy
from mlops_common.lineage.emission.drain import Drained, drained
from mlops_common.lineage.emission.outlet import Outlet
from mlops_common.lineage.emission.overflow import Overflow
from mlops_common.lineage.emission.teller import Teller
from mlops_common.lineage.observation import Observation
from mlops_common.lineage.receivers.base import Event, Receiver
from mlops_common.lineage.record import record
from mlops_common.lineage.spool.folder import Position, SpoolFolder
from mlops_common.lineage.spool.writing import SpoolWriter
from mlops_common.logger import get_logger
from mlops_common.params import masked

EXIT = 3.0  # seconds that the end of a program may wait while receivers are told
SILENCE = 1.0  # seconds after which the end of a program awaits an answer no longer
POLL = 0.01  # seconds between two looks at how far a receiver was told

log = get_logger(__name__)


class Emitter:
    """Takes observations, and tells them to receivers in the order of their coming.

    `emit` writes to the spool on disk, from which the threads of this process, or of
    any other on the same home, tell each receiver. What it returned for is told even
    if the process is killed then. Where the disk takes nothing, memory does.
    """

    def __init__(
        self,
        folder: Path,
        limit: int,
        receivers: Callable[[], Sequence[Receiver]],
        event: Callable[[bytes], Event],
    ) -> None:
        """Make an emitter; nothing is touched before the first observation.

        Args:
            folder: Of the spool.
            limit: Bytes that the spool may take on disk.
            receivers: Makes the receivers, each of which is told everything.
            event: Makes the event of a record.
        """
        self.folder = SpoolFolder(folder)
        self._writer = SpoolWriter(self.folder, limit)
        self._receivers = receivers
        self._event = event
        self._lock = threading.RLock()
        self._tellers: list[Teller] = []
        self._unstarted: list[Outlet] = []
        self._mute = False
        self._overflow = Overflow([])
        self._last = Position()
        _emitters.add(self)

    def start(self) -> None:
        """Start to tell what earlier processes left; never raises."""
        with self._lock:
            try:
                self._begin()
            except Exception as error:  # noqa: BLE001 - no run fails for its lineage
                if not self._mute:
                    log.warning("lineage is told later: %s", masked(f"{error!r}"))
                self._mute = True
            else:
                self._mute = False

    def emit(self, seen: Observation) -> None:
        """Take an observation; never raises, and waits for no receiver."""
        try:
            with courtesy().speaking():
                self._put(record(seen))
        except Exception as error:  # noqa: BLE001 - no run fails for its lineage
            log.warning("lineage of %s is lost: %s", seen.job, masked(f"{error!r}"))

    def flush(self, timeout: float) -> bool:
        """Wait until all receivers were told what lies on disk, whoever wrote it.

        Args:
            timeout: Seconds; it is not waited for a receiver that is away.

        Returns:
            Whether they were.
        """
        end = self.folder.end()
        if end.segment:
            self.start()  # another process wrote it, or the threads were ended
        told = self._told(end, timeout)
        return told and not (self._unstarted or self._mute)

    def close(self, timeout: float = EXIT) -> None:
        """Tell what was emitted here, then end the threads; the rest stays on disk.

        Args:
            timeout: Seconds for all receivers; less for one that does not answer.
        """
        deadline = time.monotonic() + timeout
        self._told(self._last, timeout, SILENCE)
        with self._lock:
            tellers, self._tellers = self._tellers, []
            self._unstarted = []
        for teller in tellers:
            teller.end()
        for teller in tellers:
            left = min(deadline - time.monotonic(), SILENCE - teller.silence)
            teller.close(max(left, 0.0))
        left = len(self._overflow)
        if left:
            log.warning("lineage of %d events is lost: no disk, no receiver", left)

    def _put(self, text: bytes) -> None:
        """Write a record down; keep it in memory where the disk does not take it."""
        with self._lock:
            earlier = self._overflow.movable()
            if earlier is None:
                self._overflow.add(text)
            else:
                self._write(earlier, text)
            self.start()  # last: what is written down is told, if by another process

    def _write(self, earlier: list[bytes], text: bytes) -> None:
        try:
            self._last = self._writer.append(*earlier, text)
        except OSError as error:
            if not earlier:
                log.warning(
                    "lineage is kept in memory: %s takes nothing: %s",
                    self.folder.path,
                    error.strerror or error,
                )
            self._overflow.add(text)
        else:
            self._overflow.clear()

    def drain(self, timeout: float) -> Drained:
        """Tell what is left on disk, here and now, whoever wrote it.

        Args:
            timeout: Seconds.

        Returns:
            What was told, what is left, and why.
        """
        return drained(self._outlets(self._receivers(), None), self.folder, timeout)

    def _begin(self) -> None:
        """Start a thread for each receiver that has none."""
        if not self._tellers and not self._unstarted:
            receivers = self._receivers()
            overflow = Overflow([receiver.name for receiver in receivers])
            for earlier in self._overflow.movable() or ():
                overflow.add(earlier)
            self._overflow = overflow
            self._unstarted = self._outlets(receivers, overflow)
        while self._unstarted:
            self._tellers.append(Teller(self._unstarted[0]))
            del self._unstarted[0]

    def _outlets(
        self, receivers: Sequence[Receiver], overflow: Overflow | None
    ) -> list[Outlet]:
        names = [receiver.name for receiver in receivers]
        return [
            Outlet(one, self.folder, self._event, peers=names, overflow=overflow)
            for one in receivers
        ]

    def _told(self, end: Position, timeout: float, silence: float = math.inf) -> bool:
        """Wait until all receivers were told what lies before a position.

        Args:
            end: The position.
            timeout: Seconds; it is not waited for a receiver that is away.
            silence: Seconds after which one that does not answer counts as away.

        Returns:
            Whether they were.
        """
        deadline = time.monotonic() + timeout
        for teller in self._tellers:
            teller.wake()
        with courtesy().hurrying():
            while waiting := [one for one in self._tellers if self._behind(one, end)]:
                away = all(one.away or one.silence > silence for one in waiting)
                if away or time.monotonic() > deadline:
                    return False
                time.sleep(POLL)
        return True

    def _behind(self, teller: Teller, end: Position) -> bool:
        """Whether a receiver was not told all that lies before a position."""
        outlet = teller.outlet
        if self._overflow.waiting(outlet.receiver.name):
            return True
        # Who deleted the home does not want it told.
        return outlet.told < end and bool(self.folder.numbers())

    def _reset(self) -> None:
        """Forget threads: a new process has none."""
        self._lock = threading.RLock()
        self._tellers, self._unstarted = [], []
        self._overflow = Overflow([])
        self._last = Position()


def _close_all() -> None:
    """Flush what is left at the end of the program."""
    for emitter in list(_emitters):
        emitter.close()


def _reset_all() -> None:
    """Start anew in a fork, whose parent tells what it emitted."""
    for emitter in list(_emitters):
        emitter._reset()  # noqa: SLF001 - of this module


_emitters: "weakref.WeakSet[Emitter]" = weakref.WeakSet()
atexit.register(_close_all)
os.register_at_fork(after_in_child=_reset_all)
