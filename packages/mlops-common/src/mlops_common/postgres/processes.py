"""The processes of a server, found by the folder they work in.

A number in a pid file may belong to a process of another program, or to a zombie. The
working folder of PostgreSQL's processes is their data folder, which is certain.
"""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 10.0  # seconds


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
    import psutil

    for number in (signal.SIGQUIT, signal.SIGKILL):
        found = list(working_in(data))
        for process in found:
            _send(process, number)
        psutil.wait_procs(found, timeout=PATIENCE)


def _send(process: Any, number: signal.Signals) -> None:
    import psutil

    try:
        process.send_signal(number)
    except psutil.Error:
        return
