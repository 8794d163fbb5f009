"""The questions that Marquez has no paths for; the answers are those of the command."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from uc4_lineage.answers import plain
from uc4_lineage.graph import Direction
from uc4_lineage.marquez_api.parameters import MOST, Edges, Text, Time, reading
from uc4_lineage.questions import closure, gaps, history, impact
from uc4_lineage.questions import runs as of_runs

router = APIRouter(prefix="/questions")
PAGE = 100
DAYS = 7.0


Most = Annotated[int, Query(ge=1, le=MOST)]


def answered(answer: Any) -> Response:
    """Return an answer as JSON."""
    return Response(orjson.dumps(plain(answer)), media_type="application/json")


@router.get("/up")
def up(
    request: Request, node: Text, depth: Edges = None, at: Time | None = None
) -> Response:
    """Show what something was made from; now, or as it was at a time."""
    with reading(request) as reader:
        return answered(closure.closure(reader, node, Direction.UP, depth, at))


@router.get("/down")
def down(
    request: Request, node: Text, depth: Edges = None, at: Time | None = None
) -> Response:
    """Show what is made from something; now, or as it was at a time."""
    with reading(request) as reader:
        return answered(closure.closure(reader, node, Direction.DOWN, depth, at))


@router.get("/impact")
def impacts(
    request: Request, node: Text, depth: Edges = None, at: Time | None = None
) -> Response:
    """Show what breaks when a dataset or a column changes, or would have at a time."""
    with reading(request) as reader:
        return answered(impact.impact(reader, node, depth, at))


@router.get("/path")
def path(
    request: Request,
    start: Annotated[Text, Query(alias="from")],
    end: Annotated[Text, Query(alias="to")],
    at: Time | None = None,
) -> Response:
    """Show a shortest way along which data flows from one node to another."""
    with reading(request) as reader:
        return answered(closure.path(reader, start, end, at))


@router.get("/as-of")
def as_of(request: Request, time: Time) -> Response:
    """Show the graph as it was at a time."""
    with reading(request) as reader:
        return answered(history.as_of(reader, time))


@router.get("/diff")
def diff(
    request: Request,
    first: Annotated[Time, Query(alias="from")],
    second: Annotated[Time | None, Query(alias="to")] = None,
) -> Response:
    """Show what came and went between two times, or since one."""
    with reading(request) as reader:
        return answered(history.diff(reader, first, second or datetime.now(UTC)))


@router.get("/runs")
def runs(
    request: Request,
    job: Text | None = None,
    state: of_runs.State | None = None,
    since: Time | None = None,
    limit: Most = PAGE,
    at: Time | None = None,
) -> Response:
    """Show the newest runs: their state, duration, job and error; now, or at a time."""
    with reading(request) as reader:
        return answered(of_runs.runs(reader, job, state, since, limit, at))


@router.get("/orphans")
def orphans(request: Request, at: Time | None = None) -> Response:
    """Show datasets that are read but never written, or written but never read."""
    with reading(request) as reader:
        return answered(gaps.orphans(reader, at))


@router.get("/stale")
def stale(
    request: Request, days: Annotated[float, Query(ge=0, le=36_500)] = DAYS
) -> Response:
    """Show datasets without a new version, and runs that never ended."""
    with reading(request) as reader:
        return answered(gaps.stale(reader, days, datetime.now(UTC)))
