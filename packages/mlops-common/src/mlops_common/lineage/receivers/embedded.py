"""The embedded store as a receiver: tables in PostgreSQL, no server besides."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from mlops_common.errors import BackendError
from mlops_common.lineage.courtesy import courteous
from mlops_common.lineage.receivers.base import Event, Refused

if TYPE_CHECKING:
    from mlops_common.lineage.store import LineageStore

NAME = "embedded"
MOST = 200  # events of one transaction


class EmbeddedReceiver:
    """Puts events into the store of this home, a transaction for many."""

    def __init__(self, store: "Callable[[], LineageStore]") -> None:
        """Connect at the first event.

        Args:
            store: Makes the store, whose import takes its time.
        """
        self._make = store

    @property
    def name(self) -> str:
        """Of the receiver."""
        return NAME

    @property
    def most(self) -> int:
        """Events of one transaction."""
        return MOST

    def take(self, events: Sequence[Event]) -> Sequence[Refused]:
        """Store events; one that is there already changes nothing.

        Raises:
            BackendError: PostgreSQL failed, or this machine has no room for its work.
        """
        try:
            found = self._store.ingest(courteous(events))
        except (OSError, MemoryError) as error:
            raise BackendError(
                f"the store of lineage has no room to work: {error!r}; free disk and "
                "memory, then it goes on"
            ) from error
        return [
            Refused(refusal.index, f"{refusal.where}: {refusal.reason}")
            for refusal in found.refused
        ]

    def close(self) -> None:
        """Close the connection."""
        if "_store" in self.__dict__:
            self._store.close()

    @cached_property
    def _store(self) -> "LineageStore":
        return self._make()
