"""Which code it was: the commit, and a digest of files, committed or not."""

import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from functools import cache
from pathlib import Path

DIRTY = "-dirty"
PATIENCE = 60.0  # seconds for one answer of git
AT = "# branch.oid "
UNBORN = "(initial)"  # what git calls the commit of a checkout that has none

_answers: "dict[Path, Future[str | None]]" = {}


def commit(folder: Path, *, wait: bool = True) -> str | None:
    """Return the commit that the files below a folder are at, as git says.

    It is asked once for each folder of a process, in a thread of its own: what this
    process runs was read once too.

    Args:
        folder: Of a checkout, or below that.
        wait: Until git has answered.

    Returns:
        40 hexadecimal digits, with `-dirty` where a tracked file of the checkout
        differs from the commit. None where git cannot be asked, tracks nothing below
        the folder, as of a wheel that was installed there, or has not answered yet.

    Examples:
        >>> commit(Path("/")) is None
        True
    """
    answer = _asked(folder)
    return answer.result() if wait or answer.done() else None


def _asked(folder: Path) -> "Future[str | None]":
    """Return the answer of git, which is asked unless it was before."""
    ours: Future[str | None] = Future()
    answer = _answers.setdefault(folder, ours)  # one thread alone finds its own
    if answer is ours:

        def ask() -> None:
            ours.set_result(_said(folder))

        try:
            threading.Thread(target=ask, name="git", daemon=True).start()
        except RuntimeError:  # no thread is to be had
            ask()
    return answer


def _said(folder: Path) -> str | None:
    """Ask git."""
    try:
        if not _git(folder, "ls-files", "."):
            return None  # it may be a checkout of something else
        status = ("status", "--porcelain=v2", "--branch", "--untracked-files=no")
        lines = _git(folder, *status).splitlines()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    at = next((line.removeprefix(AT) for line in lines if line.startswith(AT)), "")
    changed = any(not line.startswith("#") for line in lines)
    return None if at in {"", UNBORN} else f"{at}{DIRTY if changed else ''}"


def _git(folder: Path, *words: str) -> str:
    # Without locks: whoever works in the checkout meanwhile must not notice.
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return done.stdout.strip()


def code_digest(folder: Path) -> str:
    """Return a digest over the names and bytes of the files below a folder.

    Returns:
        16 hexadecimal digits.

    Examples:
        >>> code_digest(Path(__file__).parent) == code_digest(Path(__file__).parent)
        True
    """
    digest = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file())
    for file in sorted(path for path in files if path.parent.name != "__pycache__"):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


@cache
def package_digest(module: str) -> str:
    """Return the digest of the package that an imported module is of.

    It is that of the first time it was asked for: what this process runs was read
    once too. A module of no package, such as `__main__`, stands for itself.

    Args:
        module: Such as `uc1_churn.tasks.reporting`.

    Raises:
        LookupError: It is not imported, or has no file.
    """
    loaded = (sys.modules.get(name) for name in (module.partition(".")[0], module))
    files = [Path(file) for part in loaded if (file := getattr(part, "__file__", None))]
    if not files:
        raise LookupError(f"no module {module!r} with a file is imported")
    if files[0].name == "__init__.py":
        return code_digest(files[0].parent)
    return hashlib.sha256(files[0].read_bytes()).hexdigest()[:16]


# A fork has not the threads that ask.
os.register_at_fork(after_in_child=_answers.clear)
