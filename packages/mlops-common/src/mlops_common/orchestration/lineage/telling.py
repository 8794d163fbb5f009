"""Runs that are told while they go on: where they begin, try again, live and end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from mlops_common.lineage.recording import recording
from mlops_common.orchestration.lineage.told_run import ToldRun, guarded, open_runs

PULSE = 300.0  # seconds between two signs of life of a run that goes on
LAST_WORDS = 2.0  # seconds for the end of a run whose process is about to be killed
# What users send, by what Python and Prefect make of it.
SIGNALS = {"KeyboardInterrupt": "Ctrl-C (SIGINT)", "TerminationSignal": "SIGTERM"}

_at_hand: ContextVar[ToldRun | None] = ContextVar("told_run")
_pulsed: set[str] = set()  # numbers of the runs that have a thread which tells


def at_hand() -> ToldRun | None:
    """Return the run that is told here; nothing where runs are not told.

    Raises:
        LookupError: It is not decided whether they are, as in a new process.
    """
    return _at_hand.get()


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
    run: ToldRun,
    is_retried: Callable[[Exception], bool] = lambda _: False,
    failure_of: Callable[[BaseException], Exception | None] = lambda _: None,
) -> Iterator[None]:
    """Tell how the block begins and ends, and what is said in it.

    Args:
        run: The run, of which the block is a try.
        is_retried: Whether another try follows an error; none ever does when omitted.
        failure_of: The error that a stop stands for, such as one for being late;
            nothing for a stop from outside.
    """
    token = _at_hand.set(run)
    try:
        with recording() as run.said, _pulsing(run):
            guarded(run.begin)
            yield
    except Exception as error:
        again = guarded(is_retried, error)
        guarded(run.pause if again else run.fail, error)
        raise
    except BaseException as stop:
        _stopped(run, stop, guarded(failure_of, stop))
        raise
    else:
        guarded(run.complete)
    finally:
        _at_hand.reset(token)


def _stopped(run: ToldRun, stop: BaseException, failure: Exception | None) -> None:
    """Tell what a stop means for a run."""
    if failure is not None:
        guarded(run.fail, failure)
        return
    kind = type(stop).__name__
    guarded(run.abort, f"stopped by {SIGNALS.get(kind, kind)}")
    if run.parent is None:
        # Nothing of Python runs at an exit by a signal.
        guarded(run.emitter.flush, LAST_WORDS)


def _pulsing(run: ToldRun) -> AbstractContextManager[None]:
    """Tell now and then that a run, and all that is open below it, goes on.

    One thread does so for all that is below one run.
    """
    return nullcontext() if run.root.run in _pulsed else _beating(run)


@contextmanager
def _beating(run: ToldRun) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(PULSE):
            for one in open_runs():
                if run.run in (one.run, one.root):
                    guarded(one.pulse)

    thread = threading.Thread(target=beat, name="lineage-pulse", daemon=True)
    guarded(thread.start)  # else the run is told without signs of life
    _pulsed.add(run.run.run)
    try:
        yield
    finally:
        _pulsed.discard(run.run.run)
        ended.set()
