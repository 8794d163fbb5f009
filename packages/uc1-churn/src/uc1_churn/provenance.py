"""Which code made a model."""

import hashlib
import subprocess
from importlib.metadata import version
from pathlib import Path

DIRTY = "-dirty"


def git_commit(folder: Path | None = None) -> str:
    """Return the commit of the checkout that holds this code, or the wheel's version.

    Args:
        folder: A folder of the checkout; that of this file when omitted.

    Returns:
        40 hexadecimal digits, with `-dirty` where files differ from the commit; or,
        for an installed wheel, such as `uc1-churn 0.1.0`.

    Examples:
        >>> git_commit(Path("/"))[:9]
        'uc1-churn'
    """
    here = folder or Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
        tracked = _git(here, "ls-files", ".")
    except (OSError, subprocess.CalledProcessError):
        return f"uc1-churn {version('uc1-churn')}"
    # A wheel may be installed below a checkout of something else.
    if not tracked:
        return f"uc1-churn {version('uc1-churn')}"
    return f"{commit}{DIRTY}" if changed else commit


def code_version(folder: Path | None = None) -> str:
    """Return what tells the code from any other: the commit, and what differs from it.

    Args:
        folder: A folder of the checkout; that of this file when omitted.

    Returns:
        What `git_commit` does, with a digest of the differences where there are any.

    Examples:
        >>> code_version(Path("/"))[:9]
        'uc1-churn'
    """
    here = folder or Path(__file__).parent
    commit = git_commit(here)
    if not commit.endswith(DIRTY):
        return commit
    changes = _git(here, "diff", "HEAD")
    return f"{commit}-{hashlib.sha256(changes.encode()).hexdigest()[:12]}"


def _git(folder: Path, *args: str) -> str:
    command = ["git", "-C", str(folder), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
