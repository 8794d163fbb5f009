"""Parameters of the API's paths and queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, cast
from urllib.parse import unquote

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AfterValidator

from mlops_common.errors import NotFoundError
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.naming import storable
from uc4_lineage.reading import Reader

MOST = (1 << 31) - 1


def stored(text: str) -> str:
    """Return a text that the store can hold.

    Raises:
        ValueError: It cannot.
    """
    if not storable(text):
        raise ValueError("is empty, or holds a character that no name has")
    return text


def name(segment: str) -> str:
    """Return the name that a segment of a path encodes.

    Raises:
        ValueError: No name is like that.

    Examples:
        >>> name("s3%3A%2F%2Fbucket")
        's3://bucket'
    """
    return stored(unquote(segment))


def zoned(time: datetime) -> datetime:
    """Return a time in UTC; without a zone, that is meant.

    Raises:
        ValueError: In UTC it is not in the years 1 to 9999.
    """
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is not in the years 1 to 9999 of UTC") from error


async def queries_of(request: Request) -> Queries:
    """Return the statements of the application that answers."""
    return _queries(request)


def _queries(request: Request) -> Queries:
    return cast("Queries", request.app.state.queries)


@contextmanager
def reading(request: Request) -> Iterator[Reader]:
    """Lend a reader of the store that answers.

    A handler calls it; it is no dependency. That would hold its connection while the
    handler waits for a thread, and all threads may wait for a connection.

    Args:
        request: Of the application whose store is read.

    Raises:
        BackendError: The store fails, or too many others read it.
    """
    with _queries(request).connection() as connection:
        yield Reader(connection, request.app.state.cache)


Asking = Annotated[Queries, Depends(queries_of)]
Name = Annotated[str, Path(), AfterValidator(name)]
Text = Annotated[str, AfterValidator(stored)]
Time = Annotated[datetime, AfterValidator(zoned)]
Edges = Annotated[int | None, Query(ge=1, le=MOST)]
NodeId = Annotated[str, Query(alias="nodeId"), AfterValidator(stored)]
Limit = Annotated[int, Query(ge=0, le=MOST)]
Offset = Annotated[int, Query(ge=0, le=MOST)]
Depth = Annotated[int, Query(ge=0, le=MOST)]


def shown(body: bytes | None, missing: str) -> Response:
    """Return the answer that holds some JSON.

    Args:
        body: JSON; none where nothing was found.
        missing: What was not found, in Marquez' words.

    Raises:
        NotFoundError: Nothing was found.
    """
    if body is None:
        raise NotFoundError(missing)
    return Response(body, media_type="application/json")


def absent(queries: Queries, what: str, name: str, namespace: str) -> str:
    """Return what is not there: the job or dataset, or already its namespace."""
    if queries.json("namespace", namespace=namespace) is None:
        return f"Namespace '{namespace}' not found."
    return f"{what} '{name}' not found."
