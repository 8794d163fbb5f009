"""The graph of jobs and datasets, and the one of fields."""

from datetime import datetime
from typing import cast

import orjson
from fastapi import APIRouter, Request, Response

from mlops_common.errors import ContractError, NotFoundError
from uc4_lineage.marquez_api.column_lineage import Column, ColumnLineage
from uc4_lineage.marquez_api.neighbourhood import around
from uc4_lineage.marquez_api.nodes import Asked, asked
from uc4_lineage.marquez_api.parameters import Asking, Depth, NodeId, reading, shown
from uc4_lineage.marquez_api.past_columns import PastColumnLineage
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.node import Kind
from uc4_lineage.questions.origins import origins_at

router = APIRouter()


@router.get("/lineage")
def lineage(
    request: Request, asking: Asking, node: NodeId, depth: Depth = 20
) -> Response:
    """Show the jobs within `depth` steps of a job or dataset, and their datasets."""
    start = asked(asking, node)
    if start.kind is Kind.FIELD:
        raise ContractError(f"node {node!r}: expected a dataset or a job")
    with reading(request) as reader:
        snapshot = reader.snapshot()
    jobs, datasets = around(snapshot, start.key, depth)
    return shown(asking.json("lineage", jobs=jobs, datasets=datasets), node)


@router.get("/column-lineage")
def column_lineage(
    request: Request,
    asking: Asking,
    node: NodeId,
    depth: Depth = 20,
    withDownstream: bool = False,  # noqa: FBT001, FBT002, N803 - as the API calls it
) -> Response:
    """Show what a field is made from, or those of a dataset or of a job's outputs."""
    start = asked(asking, node)
    if start.version and withDownstream:
        raise ContractError(
            "Node version cannot be specified when withDownstream is true"
        )
    if start.version:
        walk: ColumnLineage = _past(request, asking, start, depth)
    else:
        walk = ColumnLineage(asking)
        columns = _columns(asking, start)
        walk.follow(columns, "columns_up", depth)
        if withDownstream:
            walk.follow(columns, "columns_down", depth)
    body = orjson.dumps({"graph": walk.graph()})
    return Response(body, media_type="application/json")


def _past(
    request: Request, asking: Queries, start: Asked, depth: int
) -> PastColumnLineage:
    """Return what the fields of a version were made from."""
    until = _until(asking, start)
    with reading(request) as reader:
        origins = origins_at(reader, until)
    walk = PastColumnLineage(asking, until, origins=origins)
    walk.follow(walk.columns_of(start), "columns_up", depth)
    return walk


def _columns(asking: Queries, start: Asked) -> list[Column]:
    """Return the fields that a node stands for."""
    if start.kind is Kind.FIELD:
        return [Column(start.key, start.field)]
    statement = f"columns_of_{start.kind.name.lower()}"
    rows = asking.rows(statement, key=start.key, until=None)
    return [Column(*row) for row in rows]


def _until(asking: Queries, start: Asked) -> datetime:
    """Return when the version of a node began.

    Raises:
        NotFoundError: There is no such version.
    """
    rows = asking.rows("version_time", key=start.key, version=start.version)
    if not rows:
        raise NotFoundError(f"Version '{start.version}' not found.")
    return cast("datetime", rows[0][0])
