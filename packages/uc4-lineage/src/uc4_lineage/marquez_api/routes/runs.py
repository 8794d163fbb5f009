"""Runs, their facets, and the runs that they rest on."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from uc4_lineage.marquez_api.parameters import Asking, Depth, shown
from uc4_lineage.marquez_api.queries import Queries

router = APIRouter()


class FacetType(StrEnum):
    """Whose facets a run shows."""

    RUN = "run"
    JOB = "job"


STATEMENTS = {FacetType.RUN: "run_facets", FacetType.JOB: "run_job_facets"}


@router.get("/jobs/runs/{run}")
def run(asking: Asking, run: UUID) -> Response:
    """Show a run."""
    return shown(asking.json("run", run=run), f"Run '{run}' not found.")


@router.get("/jobs/runs/{run}/facets")
def facets(
    asking: Asking, run: UUID, kind: Annotated[FacetType, Query(alias="type")]
) -> Response:
    """Show the facets of a run, or of its job as the run told them."""
    return shown(asking.json(STATEMENTS[kind], run=run), f"Run '{run}' not found.")


@router.get("/runlineage/upstream")
def upstream(
    asking: Asking,
    run: Annotated[UUID, Query(alias="runId")],
    depth: Depth = 20,
) -> Response:
    """Show a run and those that made what it read, and so on, the nearest first."""
    missing = f"Run '{run}' not found."
    shown(asking.json("run_facets", run=run), missing)
    runs = _upstream(asking, run, depth)
    return shown(asking.json("upstream_runs", runs=runs), missing)


def _upstream(asking: Queries, start: UUID, depth: int) -> list[UUID]:
    """Return the runs within `depth` steps upstream, each once."""
    met, latest = {start: None}, [start]
    for _ in range(depth):
        found = asking.rows("upstream_of", runs=latest)
        latest = [run for (run,) in found if run not in met]
        if not latest:
            break
        met |= dict.fromkeys(latest)
    return list(met)
