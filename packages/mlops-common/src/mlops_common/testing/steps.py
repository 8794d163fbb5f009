"""A listener that records the steps of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlops_common.progress import Advance, Unit


class Recorder:
    """Listens to progress, for assertions.

    Attributes:
        seen: Description, total, unit and amount done of each finished step.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, float | None, Unit, float]] = []

    def opened(self, description: str, total: float | None, unit: Unit) -> None:
        """Hear that a step begins."""

    @contextmanager
    def step(
        self, description: str, total: float | None, unit: Unit
    ) -> Iterator[Advance]:
        """Record one step."""
        amounts: list[float] = []
        self.opened(description, total, unit)
        yield amounts.append
        self.seen.append((description, total, unit, sum(amounts)))
