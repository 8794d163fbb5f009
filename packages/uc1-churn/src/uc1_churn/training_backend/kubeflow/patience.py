"""How long to wait before asking again."""

from collections.abc import Iterator
from dataclasses import dataclass
from secrets import SystemRandom


@dataclass(frozen=True, slots=True)
class Pace:
    """Pauses that grow, each a little longer or shorter at random.

    Attributes:
        first: Seconds of the first pause.
        most: Seconds that no pause exceeds, before chance.
        factor: By how much each pause is longer than the one before.
        jitter: Share of a pause by which chance changes it, so that clients who lost
            a server together do not come back together.
    """

    first: float = 1.0
    most: float = 15.0
    factor: float = 1.6
    jitter: float = 0.2

    def pauses(self) -> Iterator[float]:
        """Yield the pauses in seconds, without end.

        Examples:
            >>> pauses = Pace(first=1, most=3, factor=2, jitter=0).pauses()
            >>> [next(pauses) for _ in range(4)]
            [1.0, 2.0, 3.0, 3.0]
        """
        chance, pause = SystemRandom(), float(self.first)
        while True:
            yield pause * chance.uniform(1 - self.jitter, 1 + self.jitter)
            pause = min(pause * self.factor, float(self.most))
