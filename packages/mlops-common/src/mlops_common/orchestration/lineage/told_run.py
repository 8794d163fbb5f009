"""One run, told from its start to its one end.

What is told is written down in microseconds and sent behind the run's back.
"""

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ParamSpec, Protocol, TypeVar

from mlops_common.lineage.courtesy import courtesy
from mlops_common.lineage.observation import (
    Failure,
    JobRun,
    Observation,
    State,
    observed,
)
from mlops_common.lineage.recording import Recording
from mlops_common.lineage.source import marked
from mlops_common.logger import get_logger
from mlops_common.params import masked

P = ParamSpec("P")
R = TypeVar("R")

REMEMBERED = 10_000  # runs that ended in this process, the latest of them
EXITED = "its process ended before it did"

log = get_logger(__name__)


class Emits(Protocol):
    """Takes what is told; never fails."""

    def emit(self, seen: Observation, /) -> None:
        """Take it."""
        ...

    def flush(self, timeout: float, /) -> bool:
        """Wait until it was told to whoever listens, for `timeout` seconds at most."""
        ...


class ToldRun:
    """One run of a flow or of a step of it; any thread may tell of it.

    Attributes:
        emitter: Takes what is told.
        run: The run and its job.
        parent: The run that it is a part of.
        root: The run of the outermost flow, which may be this one.
        said: What the run, or its try at hand, says that it reads and writes.
    """

    def __init__(
        self,
        emitter: Emits,
        run: JobRun,
        *,
        parent: JobRun | None = None,
        root: JobRun | None = None,
        **facts: Any,
    ) -> None:
        """Make a run of which nothing is told yet.

        Args:
            emitter: Takes what is told.
            run: The run and its job.
            parent: The run that it is a part of.
            root: The run of the outermost flow.
            facts: What is known from its start, as of an `Observation`.
        """
        self.emitter = emitter
        self.run = run
        self.parent = parent
        self.root = root or parent or run
        self.said = Recording()
        self._facts = facts
        self._failure: Failure | None = None  # of the try before
        self._tries = 0
        self._thread = 0
        self._lock = threading.RLock()  # what is told of one run has an order

    def begin(self) -> None:
        """Tell that the run starts, or that another try of it does, and why."""
        if self.run.run in _ended:
            return
        with self._lock:
            _open[self.run.run] = self
            self._tries += 1
            self._thread = threading.get_ident()
            failure, self._failure = self._failure, None
            self._tell("RUNNING" if failure else "START", failure=failure)

    def pulse(self) -> None:
        """Tell that the run goes on, and what it said so far; nothing once it ended."""
        with self._lock:
            if self.run.run in _open:
                self._tell("RUNNING", self.said)

    def pause(self, error: Exception) -> None:
        """Note what ended a try that another one will follow."""
        self._end_what_waits()
        self._failure = _failure(error)

    def complete(self) -> None:
        """Tell that the run ended well."""
        self._end_what_waits()
        self._end("COMPLETE")

    def fail(self, error: Exception) -> None:
        """Tell that an error ended the run."""
        self._end_what_waits()
        self._end("FAIL", _failure(error))

    def abort(self, reason: str) -> None:
        """Tell that the run, and what is open below it, was stopped from outside."""
        for below in self._below():
            below.abort(reason)
        self._end("ABORT", self._failure or Failure(message=reason))

    def _below(self) -> list["ToldRun"]:
        return [run for run in open_runs() if run.parent == self.run]

    def _end_what_waits(self) -> None:
        """End what waits below for a try that this thread will not come to."""
        for below in self._below():
            if below._failure and below._thread == self._thread:  # noqa: SLF001
                below._end("FAIL", below._failure)  # noqa: SLF001

    def _end(self, state: State, failure: Failure | None = None) -> None:
        """Tell the end, unless it was told, or is that of another process."""
        if self.run.run not in _open:
            return  # without the lock, which a fork may have found taken
        with self._lock:
            if _open.pop(self.run.run, None) is None:
                return
            _ended.append(self.run.run)
            self._tell(state, self.said, failure)
        for job in self.said.declared:
            self.emitter.emit(job)

    def _tell(
        self,
        state: State,
        said: Recording | None = None,
        failure: Failure | None = None,
    ) -> None:
        known = {**self._facts, "parent": self.parent, "failure": failure}
        if self.parent is not None:
            known["root"] = self.root
        if "code" in known:
            known["code"] = marked(known["code"])  # git may have answered meanwhile
        if self._tries > 1:
            attempt = {"attempt": {"number": self._tries}}
            known["facets"] = {**known.get("facets", {}), **attempt}
        told = observed(state, self.run, datetime.now(UTC), **known)
        self.emitter.emit(told.with_recorded(said) if said else told)


def guarded(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """Call what no run may fail for; an error is only logged."""
    try:
        with courtesy().speaking():
            return call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - as the name says
        log.warning("part of the lineage is not told: %s", _described(error))
        return None


def begun(number: str) -> ToldRun | None:
    """Return a run that began in this process and has not ended."""
    return _open.get(number)


def open_runs() -> list[ToldRun]:
    """Return the runs that began in this process and have not ended."""
    return [*_open.copy().values()]  # which no other thread can change meanwhile


def _failure(error: Exception) -> Failure:
    """Return what an error tells, or its name where it can tell nothing."""
    return guarded(Failure.of, error) or Failure(message=type(error).__name__)


def _described(error: Exception) -> str:
    try:
        return masked(f"{error!r}")
    except Exception:  # noqa: BLE001 - of the error's own code
        return type(error).__name__


def _abort_all() -> None:
    """End what waits for another try when the program ends."""
    for run in open_runs():
        guarded(run.abort, EXITED)


def _forget_all() -> None:
    """Tell no end of what began in the process that this one is a fork of."""
    _open.clear()


_open: dict[str, ToldRun] = {}  # by number of the run; its operations are atomic
_ended: deque[str] = deque(maxlen=REMEMBERED)
atexit.register(_abort_all)
os.register_at_fork(after_in_child=_forget_all)
