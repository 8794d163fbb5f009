"""A terminal for programs that look at whether they have one."""

import os
import pty
import subprocess
import sys
from typing import NamedTuple

from mlops_common.testing.command import COMMAND, PATIENCE

BLOCK = 65_536
# What Rich looks at to tell what a terminal can do.
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
DECIDING = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class Shown(NamedTuple):
    """How a program ended that was run in a terminal.

    Attributes:
        code: Its exit code.
        out: Its standard output, which was piped.
        screen: All that it wrote to the terminal, control sequences included.
    """

    code: int
    out: str
    screen: str


def mlops_in_terminal(*words: str, typed: str | None = None) -> Shown:
    """Run the `mlops` command with its standard error on a terminal of its own.

    Args:
        words: What follows `mlops`.
        typed: What a user types there; standard input is none when omitted.
    """
    ours, theirs = pty.openpty()
    variables = {k: v for k, v in os.environ.items() if k not in DECIDING}
    if typed is not None:
        # The terminal keeps it until the command asks.
        os.write(ours, typed.encode())
    with subprocess.Popen(
        [sys.executable, *COMMAND, *words],
        stdin=subprocess.DEVNULL if typed is None else theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**variables, **TERMINAL},
    ) as process:
        os.close(theirs)
        screen = _everything(ours)
        out = process.communicate(timeout=PATIENCE)[0]
    os.close(ours)
    return Shown(process.returncode, out.decode(), screen.decode("utf-8", "replace"))


def _everything(terminal: int) -> bytes:
    """Read until the program closes its side, which Linux tells by an error."""
    shown = bytearray()
    while True:
        try:
            data = os.read(terminal, BLOCK)
        except OSError:
            return bytes(shown)
        if not data:
            return bytes(shown)
        shown += data
