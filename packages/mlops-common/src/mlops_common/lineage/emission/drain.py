"""What is left on disk, told here and now."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mlops_common.errors import MlopsError
from mlops_common.lineage.emission.outlet import Outlet
from mlops_common.lineage.spool.folder import SpoolFolder
from mlops_common.lineage.spool.reading import waiting
from mlops_common.lineage.spool.writing import lost
from mlops_common.params import masked

PAUSE = 0.02  # seconds between two looks at who else tells


@dataclass(frozen=True)
class Drained:
    """What became of the events on disk.

    Attributes:
        told: Events that were told now, to any receiver, by this process.
        left: Bytes that some receiver was not told.
        refused: Events that a receiver refuses for good; they are in `refused.jsonl`.
        lost: Events that were dropped since the spool was made, for want of room.
        problems: Why a receiver could not be told, by its name.
    """

    told: int = 0
    left: int = 0
    refused: int = 0
    lost: int = 0
    problems: dict[str, str] = field(default_factory=dict)


class Drains(Protocol):
    """Keeps events on disk until they are told."""

    def drain(self, timeout: float) -> Drained:
        """Tell what is left on disk."""
        ...


class HasLineage(Protocol):
    """Tells the lineage of its runs, or does not, as a platform."""

    @property
    def lineage(self) -> Drains | None:
        """Who tells; nothing where nobody is told."""
        ...


def drain(platform: HasLineage, timeout: float = 30.0) -> Drained:
    """Tell what is left on disk, whichever process wrote it.

    Args:
        platform: Whose disk it is.
        timeout: Seconds.

    Returns:
        What was told and what is left; nothing where the lineage is not told at all.
    """
    lineage = platform.lineage
    return Drained() if lineage is None else lineage.drain(timeout)


def drained(outlets: Sequence[Outlet], folder: SpoolFolder, timeout: float) -> Drained:
    """Tell receivers all that a spool holds.

    Args:
        outlets: One for each receiver.
        folder: Of the spool.
        timeout: Seconds for all of them.
    """
    deadline = time.monotonic() + timeout
    problems: dict[str, str] = {}
    told = 0
    for outlet in outlets:
        try:
            told += _tell(outlet, folder, deadline)
        except MlopsError as error:
            problems[outlet.receiver.name] = masked(str(error))
        finally:
            outlet.receiver.close()
    refused = sum(outlet.refused for outlet in outlets)
    return Drained(
        told=told - refused,
        left=max((_left(outlet, folder) for outlet in outlets), default=0),
        refused=refused,
        lost=lost(folder),
        problems=problems,
    )


def _tell(outlet: Outlet, folder: SpoolFolder, deadline: float) -> int:
    """Tell one receiver; where another process is at it, wait for that one.

    Raises:
        MlopsError: The receiver is away.
    """
    told = 0
    while _left(outlet, folder) and time.monotonic() < deadline:
        found = outlet.tell(lambda: time.monotonic() >= deadline)
        told += found
        if not found:
            time.sleep(PAUSE)
    return told


def _left(outlet: Outlet, folder: SpoolFolder) -> int:
    return waiting(folder, outlet.receiver.name)
