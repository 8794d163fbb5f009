"""Which version answers a request, while two share them.

A request about one entity goes by the entity: the same one gets the same version, in
every process and after every restart, and a larger share only moves entities to the
canary. Where the entity is not told, requests are dealt out by a sequence of low
discrepancy: of any n in a row, the canary gets its share to within a few requests, and
no rhythm of the client's meets one of ours.
"""

import hashlib
import secrets
from typing import Any

import orjson

GOLDEN = 0.618033988749894848  # its multiples modulo 1 fill [0, 1) evenly
HEADER = b"x-entity-id"
SMALL = 1 << 16  # bytes of a body that is read for its entity


class Dealer:
    """Deals out requests without an entity.

    Examples:
        >>> dealer = Dealer(start=0.0)
        >>> sum(dealer.next() < 0.1 for _ in range(1_000))
        100
    """

    def __init__(self, start: float | None = None) -> None:
        self._position = secrets.randbelow(1 << 32) / (1 << 32)
        if start is not None:
            self._position = start

    def next(self) -> float:
        """Return the next position in [0, 1); the canary has those below its share."""
        self._position = (self._position + GOLDEN) % 1.0
        return self._position


def position(service: str, version: int, entity: str) -> float:
    """Return the position of an entity in [0, 1) during the canary of a version.

    Those below the share are the canary's: `position(…) < percent / 100`. Another
    service or version deals the entities anew.

    Examples:
        >>> position("churn", 7, "customer-1") == position("churn", 7, "customer-1")
        True
        >>> found = [position("churn", 7, str(n)) < 0.1 for n in range(10_000)]
        >>> 900 < sum(found) < 1_100
        True
    """
    text = f"{service}/{version}/{entity}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=6).digest()
    return int.from_bytes(digest) / (1 << 48)


def entity_in(body: bytes, name: str) -> str | None:
    """Return the one entity that a request of either protocol is about, if it says so.

    Args:
        body: The request.
        name: Name of the input that holds the entity; may be empty.

    Examples:
        >>> entity_in(b'{"inputs": [{"name": "id", "data": [7]}]}', "id")
        '7'
        >>> entity_in(b'{"instances": [{"id": "a", "age": 41}]}', "id")
        'a'
        >>> entity_in(b'{"instances": [{"id": "a"}, {"id": "b"}]}', "id")
    """
    if not name or len(body) > SMALL or name.encode() not in body:
        return None
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    values = _tensor(request, name) or _rows(request, name)
    if len(values) != 1 or type(values[0]) not in {int, str}:
        return None
    return str(values[0])


def _tensor(request: Any, name: str) -> list[Any]:
    """Return the elements of a tensor of the V2 protocol."""
    for tensor in _list(request, "inputs"):
        if isinstance(tensor, dict) and tensor.get("name") == name:
            data = _list(tensor, "data")
            return data[0] if len(data) == 1 and isinstance(data[0], list) else data
    return []


def _rows(request: Any, name: str) -> list[Any]:
    """Return the values of a column of the V1 protocol."""
    rows = _list(request, "instances")
    return [row.get(name) if isinstance(row, dict) else None for row in rows]


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
