"""The events of a JSON array, each by itself where one of them is no JSON."""

import re
from typing import Any

import orjson

# A text, to its end or that of the data; or what opens, closes or parts values.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
OPENING, CLOSING = b"[{", b"]}"


def elements(array: bytes) -> list[Any]:
    """Return the values of a JSON array.

    A value that is not quite JSON, as one with half a character or NaN, is no reason to
    lose the others: then each is given as the bytes that it is written with.

    Args:
        array: JSON.

    Raises:
        ValueError: It is no array, or does not end.

    Examples:
        >>> elements(b'[{"a": 1}, 2]')
        [{'a': 1}, 2]
        >>> elements(b'[{"a": [NaN, "]"]}, 2]')
        [b'{"a": [NaN, "]"]}', b'2']
    """
    try:
        values = orjson.loads(array)
    except orjson.JSONDecodeError as error:
        parts = split(array)
        if parts is None:
            raise ValueError(str(error)) from error
        return list(parts)
    if not isinstance(values, list):
        raise ValueError("expected an array of events")  # noqa: TRY004 - of a value
    return values


def split(array: bytes) -> list[bytes] | None:
    """Return how each value of an array is written; nothing where it does not end."""
    array = array.strip()
    parts: list[bytes] = []
    depth, start = 0, 1
    for token in TOKEN.finditer(array):
        mark = token[0]
        if mark in OPENING:
            depth += 1
        elif mark in CLOSING:
            depth -= 1
        if (mark == b"," and depth == 1) or depth == 0:
            parts.append(array[start : token.start()].strip())
            start = token.end()
        if depth == 0:
            break
    closed = depth == 0 and start == len(array) and array[:1] == b"["
    return parts if closed else None
