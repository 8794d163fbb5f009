"""Threads that tell step aside while a run speaks: Python runs one thread at a time.

A run that says what it reads, or writes its lineage down, lets go of the interpreter at
each call to the system, and would wait for it each time while another thread computes.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

QUIET = 0.25  # seconds without a word, after which it is time to tell
LONGEST = 2.0  # seconds to wait for that
MOMENT = 0.05  # seconds to step aside for one speaker, who needs less

Item = TypeVar("Item")


class Courtesy:
    """Lets threads that tell wait for those that speak, but not for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speakers = 0
        self._free = threading.Event()
        self._free.set()
        self._last = 0.0
        self._hurry = threading.Event()

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Ask those that tell to step aside until the block ends."""
        with self._lock:
            self._speakers += 1
            self._last = time.monotonic()
            self._free.clear()
        try:
            yield
        finally:
            with self._lock:
                self._speakers -= 1
                self._last = time.monotonic()
                if not self._speakers:
                    self._free.set()

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Let nobody wait: somebody waits for what is told."""
        self._hurry.set()
        try:
            yield
        finally:
            self._hurry.clear()

    def step_aside(self) -> None:
        """Let those finish who began to speak a moment ago."""
        left = self._last + MOMENT - time.monotonic()
        if left > 0 and not self._hurry.is_set():
            self._free.wait(left)

    def wait_for_quiet(self) -> None:
        """Wait until nobody has spoken for a while, or for long enough."""
        deadline = time.monotonic() + LONGEST
        while (now := time.monotonic()) < deadline:
            left = self._last + QUIET - now
            if left <= 0 or self._hurry.wait(left):
                return


_courtesy = Courtesy()  # of this process, whose threads share one interpreter


def courtesy() -> Courtesy:
    """Return the one of this process."""
    return _courtesy


def courteous(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, each once nobody speaks.

    Examples:
        >>> list(courteous([1, 2]))
        [1, 2]
    """
    for item in items:
        _courtesy.step_aside()
        yield item


def _reset() -> None:
    """Start anew in a fork, in which no other thread speaks."""
    global _courtesy  # noqa: PLW0603 - what a fork found locked stays so
    _courtesy = Courtesy()


os.register_at_fork(after_in_child=_reset)
