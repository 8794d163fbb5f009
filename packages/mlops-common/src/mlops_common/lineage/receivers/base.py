"""What the emission of lineage asks of a receiver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Event: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that a receiver will not take, however often it is told.

    Attributes:
        index: Its place among those that were told, from 0.
        reason: Why, for people.
    """

    index: int
    reason: str


class Receiver(Protocol):
    """Takes events of OpenLineage, in the order in which they are told."""

    @property
    def name(self) -> str:
        """Of the receiver, the same in every process; fit for a file name."""
        ...

    @property
    def most(self) -> int:
        """How many events `take` takes at once."""
        ...

    def take(self, events: Sequence[Event]) -> Sequence[Refused]:
        """Tell events, all of them or none.

        An event that was told before changes nothing.

        Args:
            events: At most `most`.

        Returns:
            Those that it refuses; it took the others.

        Raises:
            MlopsError: The receiver is away, or does not know us; it may have taken
                none, so all are to be told again.
        """
        ...

    def close(self) -> None:
        """End connections; a later `take` opens them anew."""
        ...
