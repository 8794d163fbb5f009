"""The processes of a server, found by the folder they work in.

A number in a pid file may belong to a process of another program, or to a zombie. The
working folder of PostgreSQL's processes is their data folder, which is certain.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 10.0


def working_in(data: Path) -> Iterator[Any]:
    """Yield the live processes (`psutil.Process`) that work in `data`."""
    import psutil

    for process in psutil.process_iter():
        try:
            if process.cwd() == str(data) and process.name().startswith("postgres"):
                yield process
        except (psutil.Error, OSError):
            continue


def end(data: Path) -> None:
    """End every process of the server of `data` at once; its log heals the data."""
    deadline = time.monotonic() + PATIENCE
    while found := list(working_in(data)):
        late = time.monotonic() > deadline
        for process in found:
            _send(process, signal.SIGKILL if late else signal.SIGQUIT)
        time.sleep(0.1)


def _send(process: Any, number: signal.Signals) -> None:
    import psutil

    try:
        process.send_signal(number)
    except psutil.Error:
        return
