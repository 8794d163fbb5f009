"""An event as JSON: read from whatever came, made canonical, and known by its digest.

PostgreSQL stores no NUL character and nobody stores half a character: both become
U+FFFD. A whole number beyond 64 bits becomes the nearest double. The digest is that of
what is stored, so that the same event has the same one however it was written.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NoReturn

import orjson

from mlops_common.lineage.store.outcome import MalformedError
from mlops_common.lineage.text import clean

LARGEST = 16 << 20  # bytes of one event
DEEPEST = 250  # levels of one event
WIDEST = 64  # bits of a whole number
ESCAPED_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Document:
    """An event that is JSON.

    Attributes:
        value: The object.
        body: Its canonical JSON, of sorted keys and without spaces.
        digest: 128 bits of BLAKE2b of the body, as 32 hexadecimal digits.
    """

    value: dict[str, Any]
    body: bytes
    digest: str


def read(event: bytes | str | Mapping[str, Any]) -> Document:
    """Return an event as a document.

    Args:
        event: JSON, or the object itself.

    Raises:
        MalformedError: It is no JSON object, or larger than 16 MiB, or deeper than 250
            levels.

    Examples:
        >>> read(b'{"b": 1, "a": [2]}').body
        b'{"a":[2],"b":1}'
        >>> read({"a": [2], "b": 1}).digest == read('{"b":1,"a":[2]}').digest
        True
    """
    raw = event if isinstance(event, bytes) else _encoded(event)
    if len(raw) > LARGEST:
        raise MalformedError(
            "$", f"{len(raw):,} bytes are more than the {LARGEST:,} that are stored"
        )
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = _patiently_loaded(raw)
    if not isinstance(value, dict):
        raise MalformedError("$", f"expected an object, found {kind(value)}")
    body = _canonical(value)
    if ESCAPED_NUL in body:
        value = _clean(value)
        body = _canonical(value)
    return Document(value, body, blake2b(body, digest_size=16).hexdigest())


def kind(value: object) -> str:
    """Return what JSON calls a value.

    Examples:
        >>> kind(None), kind([]), kind(True)
        ('null', 'an array', 'a boolean')
    """
    kinds = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)


def _encoded(event: str | Mapping[str, Any]) -> bytes:
    """Return JSON of an object; of a text, its bytes."""
    if isinstance(event, str):
        return clean(event).encode()
    try:
        return orjson.dumps(event)
    except TypeError:
        return _dumped(_clean(event))


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        reason = str(error)
        if "Recursion" in reason:
            reason = f"nested deeper than the {DEEPEST} levels that are stored"
        raise MalformedError("$", reason) from error


_canonical = _dumped


def _patiently_loaded(raw: bytes) -> Any:
    """Return JSON that holds half characters or numbers that only Python reads."""
    try:
        value = json.loads(raw, parse_constant=_not_a_number)
    except RecursionError as error:
        raise _too_deep() from error
    except UnicodeDecodeError as error:
        raise MalformedError("$", f"expected UTF-8, {error.reason}") from error
    except ValueError as error:
        raise MalformedError("$", f"expected JSON: {error}") from error
    return _clean(value)


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _too_deep() -> MalformedError:
    return MalformedError(
        "$", f"nested deeper than the {DEEPEST} levels that are stored"
    )


def _clean(value: Any, depth: int = 0) -> Any:
    """Return a value with texts and numbers that any store takes."""
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {
            clean(key) if isinstance(key, str) else key: _clean(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item, depth + 1) for item in value]
    return _number(value) if isinstance(value, int | float) else value


def _number(value: float) -> float:
    if isinstance(value, bool) or (isinstance(value, int) and _fits(value)):
        return value
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MalformedError("$", "holds a number that no double can hold")
    return number


def _fits(value: int) -> bool:
    """Whether a whole number fits into 64 bits, with a sign or without."""
    return -(1 << WIDEST - 1) <= value < 1 << WIDEST
