"""A run whose lineage is told while it goes on, from its start to its end.

What is told is written down in microseconds and sent behind the run's back.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, ParamSpec, Protocol, TypeVar

from mlops_common.lineage.observation import (
    Failure,
    JobRun,
    Observation,
    State,
    observed,
)
from mlops_common.lineage.recording import Recording, recording
from mlops_common.logger import get_logger
from mlops_common.params import masked

P = ParamSpec("P")
R = TypeVar("R")

PULSE = 300.0  # seconds between two signs of life of a run that goes on
LAST_WORDS = 2.0  # seconds for the end of a run whose process is about to be killed

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
    """One run of a flow or of a step of it.

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

    def begin(self) -> None:
        """Tell that the run starts, or that another try of it does, and why."""
        _open[self.run.run] = self
        self._tries += 1
        self._tell("RUNNING" if self._failure else "START", failure=self._failure)
        self._failure = None

    def pulse(self) -> None:
        """Tell that the run goes on, and what it said so far."""
        self._tell("RUNNING", self.said)

    def pause(self, error: Exception) -> None:
        """Note what ended a try that another one will follow."""
        self._failure = Failure.of(error)

    def complete(self) -> None:
        """Tell that the run ended well."""
        self._end("COMPLETE")

    def fail(self, error: Exception) -> None:
        """Tell that an error ended the run."""
        self._end("FAIL", Failure.of(error))

    def abort(self, reason: str) -> None:
        """Tell that the run, and what is open below it, was stopped from outside."""
        for below in [run for run in _open.values() if run.parent == self.run]:
            below.abort(reason)
        self._end("ABORT", self._failure or Failure(message=reason))

    def _end(self, state: State, failure: Failure | None = None) -> None:
        _open.pop(self.run.run, None)
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
        if self._tries > 1:
            attempt = {"attempt": {"number": self._tries}}
            known["facets"] = {**known.get("facets", {}), **attempt}
        told = observed(state, self.run, datetime.now(UTC), **known)
        self.emitter.emit(told.with_recorded(said) if said else told)


def guarded(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """Call what no run may fail for; an error is only logged."""
    try:
        return call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - as the name says
        log.warning("part of the lineage is not told: %s", masked(f"{error!r}"))
        return None


_open: dict[str, ToldRun] = {}  # by number of the run; its operations are atomic
_at_hand: ContextVar[ToldRun | None] = ContextVar("told_run")


def at_hand() -> ToldRun | None:
    """Return the run that is told here; nothing where runs are not told.

    Raises:
        LookupError: It is not decided whether they are, as in a new process.
    """
    return _at_hand.get()


def begun(number: str) -> ToldRun | None:
    """Return a run that began in this process and has not ended."""
    return _open.get(number)


@contextmanager
def untold() -> Iterator[None]:
    """Tell nothing of the runs in the block."""
    token = _at_hand.set(None)
    try:
        yield
    finally:
        _at_hand.reset(token)


@contextmanager
def told(
    run: ToldRun, is_retried: Callable[[Exception], bool] | None = None
) -> Iterator[None]:
    """Tell how the block begins and ends, and what is said in it.

    Args:
        run: The run, of which the block is a try.
        is_retried: Whether another try follows an error; none ever does when omitted.
    """
    token = _at_hand.set(run)
    try:
        with recording() as run.said, _pulsing(run):
            guarded(run.begin)
            yield
    except Exception as error:
        again = is_retried is not None and is_retried(error)
        guarded(run.pause if again else run.fail, error)
        raise
    except BaseException as stop:
        guarded(run.abort, f"stopped by {type(stop).__name__}")
        if run.parent is None:
            # Nothing of Python runs at an exit by a signal.
            guarded(run.emitter.flush, LAST_WORDS)
        raise
    else:
        guarded(run.complete)
    finally:
        _at_hand.reset(token)


def _pulsing(run: ToldRun) -> AbstractContextManager[None]:
    """Tell now and then that a run, and all that is open below it, goes on.

    One thread does so for all that is below one run.
    """
    return nullcontext() if run.root.run in _open else _beating(run)


@contextmanager
def _beating(run: ToldRun) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(PULSE):
            for one in [*_open.values()]:
                if run.run in (one.run, one.root):
                    guarded(one.pulse)

    threading.Thread(target=beat, name="lineage-pulse", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
