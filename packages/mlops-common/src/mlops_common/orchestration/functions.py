"""Which functions flows and steps can be made of."""

import inspect
from collections.abc import Callable
from typing import Any


def require_plain(function: Callable[..., Any]) -> None:
    """Refuse a function that returns before its work is done.

    Its run would be told, timed and retried as if it ended where it begins.

    Args:
        function: To make a flow or a step of.

    Raises:
        TypeError: It is an `async def`, or a generator.

    Examples:
        >>> require_plain(len)
        >>> async def load():
        ...     pass
        >>> require_plain(load)
        Traceback (most recent call last):
        ...
        TypeError: expected a plain function, found the async def load; ...
    """
    name = getattr(function, "__qualname__", repr(function)).rpartition(".")[2]
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"expected a plain function, found the async def {name}; await what it "
            "awaits with asyncio.run, in a plain function"
        )
    if inspect.isgeneratorfunction(function):
        raise TypeError(
            f"expected a plain function, found the generator {name}; return a list of "
            "what it yields"
        )
