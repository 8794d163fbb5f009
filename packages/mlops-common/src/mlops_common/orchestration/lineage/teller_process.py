"""Which process tells of a run: it alone can say how the run ended."""

import hashlib
import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil  # noqa: F401 - not when the first run starts, which would wait for it

from mlops_common.processes import Identity

FACET = "process"  # its name among what is noted of a run


def own(home: Path) -> dict[str, Any]:
    """Return this process, as the facet of the run of a flow.

    Args:
        home: Where it runs.

    Examples:
        >>> found = own(Path("/"))
        >>> found["pid"] == os.getpid(), is_gone(found, Path("/"))
        (True, False)
    """
    return {**_place(home), **_process(os.getpid())}


def is_gone(told: Mapping[str, Any], home: Path) -> bool:
    """Return whether a process was one of this machine and home, and has ended.

    Of any other it cannot be known: then it is not.

    Args:
        told: The facet of a run.
        home: Of whoever asks.
    """
    place = _place(home)
    if {key: told.get(key) for key in place} != place:
        return False
    try:
        found = Identity(int(told["pid"]), float(told["created"]))
    except (LookupError, TypeError, ValueError):
        return False
    return not found.alive()


def _place(home: Path) -> dict[str, str]:
    """Return the machine, and which of its folders a home is."""
    folder = home.resolve()
    # Another machine may have the same name, and its home the same path.
    which = f"{folder}:{folder.stat().st_ino if folder.exists() else ''}"
    digest = hashlib.sha256(which.encode()).hexdigest()[:16]
    return {"host": socket.gethostname(), "home": digest}


@cache
def _process(pid: int) -> dict[str, Any]:
    return {"pid": pid, "created": Identity.of(pid).created}
