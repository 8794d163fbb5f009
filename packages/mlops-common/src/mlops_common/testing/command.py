"""Programs as a user starts them: in a process of their own, with what they said."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

PATIENCE = 900.0  # seconds
COMMAND = ("-m", "mlops_common.cli")


class Said(NamedTuple):
    """How a program ended.

    Attributes:
        code: Its exit code; less than 0 for a signal.
        out: Its standard output.
        err: Its standard error.
    """

    code: int
    out: str
    err: str


def mlops(
    *words: str,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Said:
    """Run the `mlops` command.

    Args:
        words: What follows `mlops`.
        variables: More variables than those of this process.
        folder: Where it is run; here when omitted.
    """
    return python(*COMMAND, *words, variables=variables, folder=folder)


def mlops_here(*words: str) -> Said:
    """Run the `mlops` command in this process, which is quicker than in one of its own.

    Args:
        words: What follows `mlops`.
    """
    from mlops_common.cli import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([*words])
        except SystemExit as ended:
            return Said(int(str(ended.code)), out.getvalue(), err.getvalue())
    raise AssertionError("the command returned, and so told no exit code")


@contextmanager
def home_of_commands() -> Iterator[Path]:
    """Yield a folder to run commands in, on a new home that is reset at the end."""
    import pytest

    from mlops_common.testing.postgres import temporary_home

    with temporary_home() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(folder / "home"))
        patch.chdir(folder)
        yield folder
        assert mlops_here("reset", "--yes").code == 0


def python(
    *words: str,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Said:
    """Run a program in Python; see `mlops`."""
    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        timeout=PATIENCE,
    )
    return Said(done.returncode, done.stdout, done.stderr)
