"""The questions that Marquez has no paths for; the answers are those of the command."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from uc4_lineage.answers import plain
from uc4_lineage.graph import Direction
from uc4_lineage.marquez_api.parameters import MOST, Asking, Text
from uc4_lineage.marquez_api.routes.events import Time
from uc4_lineage.questions import closure, gaps, history, impact
from uc4_lineage.questions import runs as of_runs
from uc4_lineage.reading import Reader

router = APIRouter(prefix="/questions")
PAGE = 100
DAYS = 7.0


def reader_of(request: Request, asking: Asking) -> Iterator[Reader]:
    """Lend a reader of the store that answers."""
    with asking.connection() as connection:
        yield Reader(connection, request.app.state.cache)


Reading = Annotated[Reader, Depends(reader_of)]
Edges = Annotated[int | None, Query(ge=1, le=MOST)]
Most = Annotated[int, Query(ge=1, le=MOST)]


def answered(answer: Any) -> Response:
    """Return an answer as JSON."""
    return Response(orjson.dumps(plain(answer)), media_type="application/json")


@router.get("/up")
def up(
    reading: Reading, node: Text, depth: Edges = None, at: Time | None = None
) -> Response:
    """Show what something was made from; now, or as it was at a time."""
    return answered(closure.closure(reading, node, Direction.UP, depth, at))


@router.get("/down")
def down(
    reading: Reading, node: Text, depth: Edges = None, at: Time | None = None
) -> Response:
    """Show what is made from something; now, or as it was at a time."""
    return answered(closure.closure(reading, node, Direction.DOWN, depth, at))


@router.get("/impact")
def impacts(reading: Reading, node: Text, depth: Edges = None) -> Response:
    """Show what breaks when a dataset or a column changes."""
    return answered(impact.impact(reading, node, depth))


@router.get("/path")
def path(
    reading: Reading,
    start: Annotated[Text, Query(alias="from")],
    end: Annotated[Text, Query(alias="to")],
    at: Time | None = None,
) -> Response:
    """Show a shortest way along which data flows from one node to another."""
    return answered(closure.path(reading, start, end, at))


@router.get("/as-of")
def as_of(reading: Reading, time: Time) -> Response:
    """Show the graph as it was at a time."""
    return answered(history.as_of(reading, time))


@router.get("/diff")
def diff(
    reading: Reading,
    first: Annotated[Time, Query(alias="from")],
    second: Annotated[Time | None, Query(alias="to")] = None,
) -> Response:
    """Show what came and went between two times, or since one."""
    return answered(history.diff(reading, first, second or datetime.now(UTC)))


@router.get("/runs")
def runs(
    reading: Reading,
    job: Text | None = None,
    state: of_runs.State | None = None,
    since: Time | None = None,
    limit: Most = PAGE,
) -> Response:
    """Show the newest runs: their state, duration, job and error."""
    return answered(of_runs.runs(reading, job, state, since, limit))


@router.get("/orphans")
def orphans(reading: Reading) -> Response:
    """Show datasets that are read but never written, or written but never read."""
    return answered(gaps.orphans(reading))


@router.get("/stale")
def stale(
    reading: Reading, days: Annotated[float, Query(ge=0, le=36_500)] = DAYS
) -> Response:
    """Show datasets without a new version, and runs that never ended."""
    return answered(gaps.stale(reading, days, datetime.now(UTC)))
