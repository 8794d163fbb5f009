"""Statements that take any number of rows as one parameter, a JSON array.

Their plans are kept by PostgreSQL; of a small batch, planning would cost more than the
rows do, and so would temporary tables.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
import psycopg
from psycopg.types.json import Json

SQL = files("mlops_common.lineage") / "sql"
LARGEST = 16 << 20  # bytes of an array that takes no more rows


def begin(
    connection: psycopg.Connection, statement: str, rows: Iterable[Mapping[str, Any]]
) -> list[psycopg.Cursor]:
    """Send a statement with rows, in parts if they are large; return their cursors.

    Args:
        connection: In a transaction, and perhaps in a pipeline.
        statement: Name of its file in the folder `sql`, such as `merge/runs`.
        rows: What is absent from a row is NULL. Without rows, nothing is sent.
    """
    query = _query(statement)
    return [
        connection.execute(query, (Json(array, bytes),), prepare=True)
        for array in arrays(rows)
    ]


def execute(
    connection: psycopg.Connection, statement: str, rows: Iterable[Mapping[str, Any]]
) -> list[tuple[Any, ...]]:
    """Execute a statement with rows; return its results."""
    return fetched(begin(connection, statement, rows))


def fetched(cursors: Iterable[psycopg.Cursor]) -> list[tuple[Any, ...]]:
    """Return the rows of some results."""
    return [row for cursor in cursors for row in cursor.fetchall()]


def arrays(
    rows: Iterable[Mapping[str, Any]], largest: int = LARGEST
) -> Iterator[bytes]:
    """Yield JSON arrays that hold all rows.

    Args:
        rows: In the order in which they are yielded.
        largest: Bytes; an array that holds as many takes no more rows.

    Examples:
        >>> list(arrays([{"a": 1}, {"a": 2}, {"a": 3}], largest=10))
        [b'[{"a":1},{"a":2}]', b'[{"a":3}]']
    """
    some: list[bytes] = []
    size = 0
    for row in rows:
        if size >= largest:
            yield b"[" + b",".join(some) + b"]"
            some, size = [], 0
        some.append(orjson.dumps(row))
        size += len(some[-1])
    if some:
        yield b"[" + b",".join(some) + b"]"


@cache
def _query(statement: str) -> bytes:
    return (SQL / f"{statement}.sql").read_bytes()
