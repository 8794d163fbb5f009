"""What a receiver makes of events: it takes them, refuses some, or is away."""

import math
import time
from collections import Counter
from collections.abc import Sequence

from mlops_common.errors import BackendError, ContractError, MlopsError
from mlops_common.lineage.receivers.base import Event, Receiver, Refused
from mlops_common.params import masked

# Errors that pass: no disk, no memory, a library that is being replaced, no thread.
PASSING = (OSError, MemoryError, ImportError, RuntimeError)
MOST_FAILURES = 3  # of an event, each time while others were taken
ENOUGH = 3  # events to try before a receiver that takes none counts as away


class _BrokenError(BackendError):
    """The receiver broke on an event, with an error that may pass."""


class Taking:
    """Lets a receiver take events, and tells a bad event from a bad time."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._failures: Counter[int] = Counter()
        self._asked = math.inf

    @property
    def silence(self) -> float:
        """Seconds for which an answer has been awaited; 0 while none is."""
        return max(time.monotonic() - self._asked, 0.0)

    def take(self, events: Sequence[Event]) -> list[Refused]:
        """Return the events that will never be taken; all others are.

        Raises:
            MlopsError: The receiver is away; all are to be told again.
        """
        try:
            return self._answer(events) if events else []
        except ContractError as error:
            if len(events) == 1:
                return [Refused(0, str(error))]
        except MlopsError:
            raise
        except Exception as error:
            named = f"{type(error).__name__}: {error}"
            if len(events) == 1 and not isinstance(error, PASSING):
                return [Refused(0, named)]  # a mistake of ours stops no others
            if len(events) == 1:
                raise _BrokenError(
                    f"{self._receiver.name} broke on an event: {masked(named)}; it is "
                    "tried again"
                ) from error
        return self._one_by_one(events)

    def _answer(self, events: Sequence[Event]) -> list[Refused]:
        self._asked = time.monotonic()
        try:
            return list(self._receiver.take(events))
        finally:
            self._asked = math.inf

    def _one_by_one(self, events: Sequence[Event]) -> list[Refused]:
        """Take each event alone.

        Raises:
            MlopsError: The receiver is away.
        """
        refused: list[Refused] = []
        broken: dict[int, _BrokenError] = {}
        for index, event in enumerate(events):
            try:
                refused += [Refused(index, one.reason) for one in self.take([event])]
            except _BrokenError as error:
                broken[index] = error
                if len(broken) == index + 1 == min(ENOUGH, len(events)):
                    raise
        return refused + self._given_up(events, broken)

    def _given_up(
        self, events: Sequence[Event], broken: dict[int, _BrokenError]
    ) -> list[Refused]:
        """Return events on which the receiver broke often while it took others.

        Raises:
            BackendError: It may take some of them yet.
        """
        keys = {index: hash(repr(events[index])) for index in broken}
        self._failures.update(keys.values())
        for index, error in broken.items():
            if self._failures[keys[index]] < MOST_FAILURES:
                raise error
        self._failures.clear()
        return [Refused(index, str(error)) for index, error in broken.items()]
