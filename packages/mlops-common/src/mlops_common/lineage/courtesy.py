"""Threads that tell step aside while a run emits: Python runs one thread at a time.

A run that writes its lineage down lets go of the interpreter at each call to the system
and would wait for it each time, while another thread computes.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

QUIET = 0.25  # seconds without an emission, after which it is time to tell
LONGEST = 2.0  # seconds to wait for that
MOMENT = 0.05  # seconds to step aside for one emission, which needs less


class Courtesy:
    """Lets threads that tell wait for those that emit, but not for ever."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._last = 0.0
        self._hurry = threading.Event()

    @contextmanager
    def emitting(self) -> Iterator[None]:
        """Ask others to step aside until the block ends."""
        self._free.clear()
        try:
            yield
        finally:
            self._last = time.monotonic()
            self._free.set()

    def step_aside(self) -> None:
        """Let an emission end that is under way."""
        self._free.wait(MOMENT)

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Let nobody wait for quiet: somebody waits for what is told."""
        self._hurry.set()
        try:
            yield
        finally:
            self._hurry.clear()

    def wait_for_quiet(self) -> None:
        """Wait until nothing was emitted for a while, or for long enough."""
        deadline = time.monotonic() + LONGEST
        while (now := time.monotonic()) < deadline:
            left = self._last + QUIET - now
            if left <= 0 or self._hurry.wait(left):
                return
