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
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.node import Kind

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
    until = _until(asking, start)
    walk = ColumnLineage(asking, until)
    columns = _columns(asking, start, until)
    walk.follow(columns, "columns_up", depth)
    if withDownstream:
        walk.follow(columns, "columns_down", depth)
    body = orjson.dumps({"graph": walk.graph()})
    return Response(body, media_type="application/json")


def _columns(asking: Queries, start: Asked, until: datetime | None) -> list[Column]:
    """Return the fields that a node stands for, or stood for at a time."""
    if start.kind is Kind.FIELD:
        return [Column(start.key, start.field)]
    statement = f"columns_of_{start.kind.name.lower()}"
    rows = asking.rows(statement, key=start.key, until=until)
    return [Column(*row) for row in rows]


def _until(asking: Queries, start: Asked) -> datetime | None:
    """Return when the version of a node began; nothing where none is named."""
    if start.version is None:
        return None
    rows = asking.rows("version_time", key=start.key, version=start.version)
    if not rows:
        raise NotFoundError(f"Version '{start.version}' not found.")
    return cast("datetime", rows[0][0])
