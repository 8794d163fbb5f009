"""Values that JSON holds, of bounded size, made from whatever a program has."""

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from mlops_common.lineage.text import short, short_name, shown
from mlops_common.params import SECRET

LARGEST = 256_000  # characters and values of a facet
DEEPEST = 20
STRIPPED = "stripped"
HIDDEN = "***"


class _TooLargeError(Exception):
    """A value has more characters and values than a facet may have."""


def facet_value(value: Any) -> dict[str, Any]:
    """Return a facet that JSON holds; what is too large is left out, and says so.

    Passwords in texts are hidden, and what has a name such as `password` or `token`.

    Args:
        value: A mapping, or anything else, which becomes the `value` of one.

    Examples:
        >>> facet_value({"auc": 0.8, "loss": float("nan"), "day": date(2026, 1, 31)})
        {'auc': 0.8, 'loss': None, 'day': '2026-01-31'}
        >>> facet_value({"weights": [0.5] * 10**7})["stripped"]
        'more than 256,000 characters and values'
    """
    whole = value if isinstance(value, Mapping) else {"value": value}
    try:
        found: dict[str, Any] = _Bounded().json(whole, DEEPEST)
    except _TooLargeError:
        return {STRIPPED: f"more than {LARGEST:,} characters and values"}
    return found


def facet_values(facets: Any) -> Any:
    """Return facets by name, each as `facet_value` returns it."""
    if not isinstance(facets, Mapping):
        return facets
    return {str(name): facet_value(value) for name, value in facets.items()}


class _Bounded:
    """Makes JSON of a value until there is too much of it."""

    def __init__(self) -> None:
        self._room = LARGEST

    def json(self, value: Any, depth: int) -> Any:
        """Return what JSON holds of a value; deep down, its text."""
        self._room -= 1 + _length(value)
        if self._room < 0:
            raise _TooLargeError
        if value is None or isinstance(value, bool | int):
            return _whole(value)
        if isinstance(value, str):
            return shown(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        return self._other(value, depth - 1)

    def _other(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping) and depth:
            return {
                short_name(str(key)): self._item(str(key), item, depth)
                for key, item in value.items()
            }
        if isinstance(value, date):
            return value.isoformat()
        for convert in ("model_dump", "tolist"):  # of pydantic; of numpy
            if depth and callable(method := getattr(value, convert, None)):
                return self.json(method(), depth)
        if isinstance(value, Iterable) and not isinstance(value, bytes) and depth:
            return [self.json(item, depth) for item in value]
        return shown(str(value))

    def _item(self, key: str, value: Any, depth: int) -> Any:
        """Return what JSON holds of a value; a key such as `token` hides its text."""
        plain = value is None or isinstance(value, bool | int | float)
        if SECRET.search(key) and not plain:
            return HIDDEN
        return self.json(value, depth)


def _length(value: Any) -> int:
    try:
        return len(value)
    except TypeError:  # a number, or an iterator
        return 0


def _whole(value: int | None) -> Any:
    """Return a number that any reader of JSON holds exactly; a larger one as text."""
    if value is None or isinstance(value, bool):
        return value
    return int(value) if abs(value) < 1 << 63 else short(hex(value))
