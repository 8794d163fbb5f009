"""The processes of a server, found by the folder they work in.

A number in a pid file may belong to a process of another program, or to a zombie. The
working folder of PostgreSQL's processes is their data folder, which is certain.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 10.0  # seconds
PAUSE = 0.05


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
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for process in working_in(data):
            _send(process, number)
        deadline = time.monotonic() + PATIENCE
        # Not by waiting for their numbers, which a zombie keeps.
        while any(working_in(data)) and time.monotonic() < deadline:
            time.sleep(PAUSE)


def _send(process: Any, number: signal.Signals) -> None:
    import psutil

    try:
        process.send_signal(number)
    except psutil.Error:
        return
