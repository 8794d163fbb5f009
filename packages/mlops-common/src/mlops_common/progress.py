"""Progress of long work, told to whoever listens.

Plain code says `with step("Load customers", total=rows) as advance:` and calls
`advance(n)` as it goes. The `mlops` command listens and draws bars, a flow run listens
and tells Prefect; where nobody listens the calls cost nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Literal, Protocol, TypeAlias

Advance: TypeAlias = Callable[[float], None]
Unit: TypeAlias = Literal["", "bytes"]


class Listener(Protocol):
    """Draws, logs or times the steps of a run."""

    def step(
        self, description: str, total: float | None, unit: Unit
    ) -> AbstractContextManager[Advance]:
        """Open one step; the manager yields the function that advances it.

        Any thread may call that function.

        Args:
            description: What is being done, for a person.
            total: Units of work, where known.
            unit: What they are, where a person wants to see how many.
        """
        ...


_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` about every step until the block ends."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def step(
    description: str, total: float | None = None, *, unit: Unit = ""
) -> Iterator[Advance]:
    """Announce one step of work; yield the function that advances it.

    Args:
        description: What is being done, for a person: `Load customers`.
        total: Units of work (rows, bytes), where known.
        unit: `bytes` shows how many were done; a share is shown otherwise.

    Examples:
        >>> with step("Count", total=2) as advance:
        ...     advance(1)
        ...     advance(1)
    """
    if not _listeners:
        yield _ignore
        return
    with ExitStack() as steps:
        advances = [
            steps.enter_context(listener.step(description, total, unit))
            for listener in _listeners
        ]

        def advance(amount: float) -> None:
            for told in advances:
                told(amount)

        yield advance


def _ignore(amount: float) -> None:
    """Advance nothing: nobody listens."""
