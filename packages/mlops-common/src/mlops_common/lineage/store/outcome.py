"""What became of a batch of events."""

from dataclasses import dataclass

from mlops_common.errors import ContractError


class MalformedError(ContractError):
    """An event that the store does not take.

    Attributes:
        where: Path in the event, such as `$.run.runId`.
        reason: What was expected there, and what was found.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that was not stored.

    Attributes:
        index: Its place in the batch, from 0.
        where: Path in the event, such as `$.run.runId`.
        reason: What was expected there, and what was found.
    """

    index: int
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a batch.

    Attributes:
        stored: Number of events that are new.
        duplicates: Number of events that were stored before, or twice in the batch.
        refused: Those that are malformed.

    Examples:
        >>> Ingested(1, 0) + Ingested(2, 1)
        Ingested(stored=3, duplicates=1, refused=())
    """

    stored: int
    duplicates: int
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: "Ingested") -> "Ingested":
        return Ingested(
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.refused + other.refused,
        )
