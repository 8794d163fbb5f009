"""One emitter for all tasks of a process that tell the same home's lineage."""

import os
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.lineage.receivers.base import Event
from mlops_common.lineage.receivers.composite import receivers
from mlops_common.lineage.record import observation
from mlops_common.sections import LineageSettings

if TYPE_CHECKING:
    from mlops_common.lineage.store import LineageStore

SPOOL = "lineage/spool"  # folder in the home

_emitters: dict[Hashable, Emitter] = {}
_lock = threading.Lock()


def shared_emitter(
    home: Path,
    settings: LineageSettings,
    store: "Callable[[], LineageStore]",
    key: Hashable = None,
) -> Emitter:
    """Return the emitter of a home in this process, made at the first call.

    Args:
        home: Where events wait on disk.
        settings: Who is told.
        store: Makes the embedded store.
        key: What else the store depends on.
    """
    with _lock:
        known = (home, settings, key)
        if known not in _emitters:
            _emitters[known] = Emitter(
                home / SPOOL,
                settings.spool_mb << 20,
                lambda: receivers(settings, store),
                _events(settings),
            )
        return _emitters[known]


def _events(settings: LineageSettings) -> Callable[[bytes], Event]:
    """Return the function that makes the event of a record."""

    def made(record: bytes) -> Event:
        from mlops_common.lineage.event import Defaults, event

        defaults = Defaults(settings.namespace, settings.owner or "")
        return event(observation(record), defaults)

    return made


# A fork must not inherit the lock of another thread, which it does not have.
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)
