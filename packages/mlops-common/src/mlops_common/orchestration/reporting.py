"""Progress of long steps, told to Prefect: one bar a step, written now and then."""

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prefect.context import TaskRunContext

from mlops_common.orchestration.artifacts import Progress
from mlops_common.progress import Advance, Unit

# An API call takes up to a third of a second: short steps show nothing.
PATIENCE = 2.0  # seconds of a step before it has a bar
PAUSE = 2.0  # seconds between two looks of the bar


class ReportedSteps:
    """Listens to progress: each task of a run has one bar, of the work that it counts.

    Where a task counts several things one after the other, the bar shows the one
    that it is at.
    """

    def __init__(self) -> None:
        self._bars: dict[str, Progress] = {}

    @contextmanager
    def step(
        self,
        description: str,
        total: float | None,
        unit: Unit = "",  # noqa: ARG002 - the bar shows a share of anything
    ) -> Iterator[Advance]:
        """Follow one step, where it counts its work within a task."""
        context = TaskRunContext.get()
        if context is None or not total:
            yield _ignore
            return
        counted = _Counted(self._bars, context.task.name, description, total)
        yield counted.advance
        counted.finish()


@dataclass
class _Counted:
    """Work that is counted, by any thread, and the bar that shows it."""

    bars: dict[str, Progress]
    task: str
    description: str
    total: float
    done: float = 0.0
    shown: bool = False
    due: float = field(default_factory=lambda: time.monotonic() + PATIENCE)
    # Other threads know neither the run nor where its API is.
    _context: contextvars.Context = field(default_factory=contextvars.copy_context)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def advance(self, amount: float) -> None:
        """Count, and show it where that was not done for a while."""
        with self._counting:
            self.done += amount
            now = time.monotonic()
            due = now >= self.due
            if due:
                self.due = now + PAUSE
        if due:
            self._context.copy().run(self._show, self.done / self.total)

    def finish(self) -> None:
        """Fill the bar, if there is one."""
        if self.shown:
            self._show(1.0)

    def _show(self, share: float) -> None:
        if self.task not in self.bars:
            self.bars[self.task] = Progress(f"{self.task} progress", self.description)
        self.bars[self.task].show(share)
        self.shown = True


def _ignore(amount: float) -> None:
    """Advance nothing: the work is not counted, or in no task."""
