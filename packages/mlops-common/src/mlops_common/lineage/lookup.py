"""A thread that looks things up, so that no run waits for an answer.

There is one for all runs of a process: to start one each time would take longer than
many an answer.
"""

import os
import threading
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue
from typing import TypeAlias

Lookup: TypeAlias = tuple[Callable[[], None], threading.Event]


def look_up(find: Callable[[], None]) -> threading.Event:
    """Call a function in that thread, after those that wait.

    Args:
        find: May not raise.

    Returns:
        An event that is set once the function has returned.

    Examples:
        >>> found = []
        >>> look_up(lambda: found.append("orders")).wait(60)
        True
        >>> found
        ['orders']
    """
    done = threading.Event()
    _queue(os.getpid()).put((find, done))
    return done


@cache
def _queue(_process: int) -> "SimpleQueue[Lookup]":
    """Return what the thread of a process, which is started here, is to do."""
    waiting: SimpleQueue[Lookup] = SimpleQueue()

    def work() -> None:
        while True:
            find, done = waiting.get()
            try:
                find()
            finally:
                done.set()

    threading.Thread(target=work, name="lineage-lookup", daemon=True).start()
    return waiting
