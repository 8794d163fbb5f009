"""Events on their way in: each read, checked, and taken into a batch."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import orjson

from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.document import Document, read
from mlops_common.lineage.store.event import Event, Name, parse
from mlops_common.lineage.store.keeping import row
from mlops_common.lineage.store.outcome import MalformedError, Refusal

Incoming: TypeAlias = bytes | str | Mapping[str, Any] | Document


class Intake:
    """Events that are to be stored together.

    Args:
        aliases: Names of datasets that stand for another.

    Attributes:
        taken: Number of well-formed events, duplicates included.
        refused: The other ones.
        bodies: Canonical JSON by digest.
        batch: What the events tell.
    """

    def __init__(self, aliases: Mapping[Name, Name] | None = None) -> None:
        self.taken = 0
        self.refused: list[Refusal] = []
        self.bodies: dict[str, bytes] = {}
        self._places: dict[str, list[int]] = {}
        self.batch = Batch(aliases)

    def take(self, events: Iterable[Incoming]) -> Iterator[str]:
        """Take in events; yield each that is new among them as `keeping.row` does."""
        for index, event in enumerate(events):
            try:
                document = event if isinstance(event, Document) else read(event)
                parsed = parse(document)
            except MalformedError as problem:
                self.refused.append(Refusal(index, problem.where, problem.reason))
                continue
            self.taken += 1
            self._places.setdefault(document.digest, []).append(index)
            if document.digest not in self.bodies:
                yield self._added(parsed)

    def retake(self, bodies: Iterable[tuple[str, bytes]]) -> Iterator[str]:
        """Take in events that were taken before, each known by its digest."""
        for digest, body in bodies:
            self.taken += 1
            yield self._added(parse(Document(orjson.loads(body), body, digest)))

    def refuse(self, digest: str, reason: str) -> None:
        """Refuse an event that was taken in, wherever it came."""
        for index in self._places[digest]:
            self.taken -= 1
            self.refused.append(Refusal(index, "$", reason))

    def again(self, aliases: Mapping[Name, Name]) -> "Intake":
        """Return the intake of the same events with other aliases."""
        return Intake.of(self.bodies.items(), aliases)

    @classmethod
    def of(
        cls,
        bodies: Iterable[tuple[str, bytes]],
        aliases: Mapping[Name, Name] | None = None,
    ) -> "Intake":
        """Return an intake of events that were taken before."""
        intake = cls(aliases)
        for _ in intake.retake(bodies):
            pass
        return intake

    def _added(self, event: Event) -> str:
        self.bodies[event.document.digest] = event.document.body
        self.batch.add(event)
        return row(event)
