"""The graph as a page, where a browser looks first."""

from fastapi import APIRouter, Request, Response

from uc4_lineage.marquez_api.parameters import Edges, Text, Time, reading
from uc4_lineage.page.around import around, whole
from uc4_lineage.page.document import render

router = APIRouter()
MOST_NODES = 5_000  # of one page; a browser draws 2,000 smoothly


@router.get("/")
def page(
    request: Request,
    node: Text | None = None,
    depth: Edges = None,
    at: Time | None = None,
) -> Response:
    """Show the whole graph, or what is around a node; now, or as it was at a time."""
    with reading(request) as reader:
        if node is None:
            content = whole(reader, at, MOST_NODES)
        else:
            content = around(reader, node, depth=depth, at=at, most=MOST_NODES)
    return Response(render(content), media_type="text/html")
