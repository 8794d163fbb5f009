"""Keeps one part running: starts it again when it dies, after longer pauses each.

A part that lives and answers nothing for two minutes hangs: it is ended, which counts
as its death. One that answers that something is wrong is left alone, as a worker is
whose API is away: its runs go on.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from mlops_common.errors import MlopsError
from mlops_common.logger import get_logger
from mlops_common.parts.folder import Progress, State
from mlops_common.parts.part import Part

log = get_logger("mlops_common.parts.keeper")

TICK = 0.5  # seconds between two looks at a part
FIRST_PAUSE = 1.0  # seconds before the first new start, then twice that, …
LONGEST_PAUSE = 60.0
PULSE = 10.0  # seconds between two questions to a part
SILENCE = 120.0  # seconds without an answer after which a living part hangs
STABLE = 60.0  # seconds that a part must live for its next death to count as first


def pause_after(failures: int) -> float:
    """Return the seconds to wait after a number of failures in a row.

    Examples:
        >>> [pause_after(n) for n in (1, 2, 3, 10)]
        [1.0, 2.0, 4.0, 60.0]
    """
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 30))


class Watch:
    """One part that shall run, in a thread of its own.

    Args:
        part: The part.
        ready: Tells whether the parts that it needs are well.
        changed: Called when `progress` is another.
        before: How an earlier keeper saw it.

    Attributes:
        progress: How it is doing.
    """

    def __init__(
        self,
        part: Part,
        ready: Callable[[], bool],
        changed: Callable[[], None],
        before: Progress | None = None,
    ) -> None:
        self.part = part
        self.progress = (before or Progress()).model_copy(update={"state": "waiting"})
        self._ready = ready
        self._changed = changed
        self._stopping = threading.Event()
        self._failures = 0
        self._heard = self._asked = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Start to watch."""
        self._thread.start()

    def leave(self) -> None:
        """Watch no longer; the part goes on."""
        self._stopping.set()

    @property
    def running(self) -> bool:
        """Whether the part was well when it was looked at last."""
        return self.progress.state == "running"

    def _run(self) -> None:
        began = 0.0
        while not self._stopping.is_set():
            end = self._end() if began else ""
            if began and not end:
                self._stopping.wait(TICK)
                continue
            if began:
                self._died(began, end)
            began = self._start()

    def _end(self) -> str:
        """Tell how the part ended, ending it if it hangs; nothing if it goes on."""
        if self.part.identity() is None:
            return "it died"
        if time.monotonic() - self._asked < PULSE:
            return ""
        answers = self.part.answers()
        self._asked = time.monotonic()
        if answers:
            self._heard = self._asked
        silence = self._asked - self._heard
        if silence < SILENCE:
            return ""
        try:
            self.part.stop()
        except MlopsError as error:
            return f"it hangs, and does not end: {error}"
        return f"it did not answer for {silence:.0f} s and was ended,"

    def _start(self) -> float:
        """Start the part, or find it running; return when, or 0 if it failed."""
        while not self._ready():
            self._update("waiting")
            if self._stopping.wait(TICK):
                return 0.0
        self._update("starting")
        try:
            self.part.start()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            log.error("%s: %s", self.part.title, error)  # noqa: TRY400 - for people
            self._failures += 1
            self._update("failed", problem=str(error) or repr(error))
            self._stopping.wait(pause_after(self._failures))
            return 0.0
        self._update("running")
        self._heard = self._asked = time.monotonic()
        return self._heard

    def _died(self, began: float, how: str) -> None:
        """Count a death, and wait before the part is started again."""
        lived = time.monotonic() - began
        self._failures = 1 if lived > STABLE else self._failures + 1
        log.warning("%s: %s after %.0f s", self.part.title, how, lived)
        self.progress = self.progress.model_copy(
            update={"restarts": self.progress.restarts + 1}
        )
        self._update("failed", problem=f"{how} after {lived:.0f} s")
        self._stopping.wait(pause_after(self._failures))

    def _update(self, state: State, *, problem: str = "") -> None:
        changes: dict[str, object] = {"state": state}
        if problem:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            changes["problem"] = f"{now} {problem}"
        self.progress = self.progress.model_copy(update=changes)
        self._changed()
