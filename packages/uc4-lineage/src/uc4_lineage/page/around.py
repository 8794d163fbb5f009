"""Which part of the graph a page shows: all of it, or what lies around a node."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from mlops_common.errors import ContractError
from uc4_lineage.columns import ColumnGraph
from uc4_lineage.graph import Direction
from uc4_lineage.naming import Found, find
from uc4_lineage.node import Kind
from uc4_lineage.page.content import Fact, PageContent
from uc4_lineage.page.gathering import gather
from uc4_lineage.questions.origins import column_graph
from uc4_lineage.reading import Reader, Snapshot

ANY = (Kind.DATASET, Kind.JOB, Kind.FIELD)
NOW_ONLY = "Facets and schemas are those of now."
BOTH = (Direction.UP, Direction.DOWN)


def whole(
    reader: Reader, at: datetime | None = None, most: int | None = None
) -> PageContent:
    """Return the page of the whole graph.

    Args:
        reader: Reads the store.
        at: A time with its zone; now when omitted. Facets are those of now always.
        most: Jobs and datasets that it may have; any number when omitted.

    Raises:
        ContractError: It has more.
        BackendError: The store cannot be read.
    """
    graph = column_graph(reader, at)
    keys = graph.snapshot.keys.tolist()
    return _page(reader, graph, _bounded(keys, most), "Lineage", at)


def around(
    reader: Reader,
    text: str,
    directions: Collection[Direction] = BOTH,
    depth: int | None = None,
    at: datetime | None = None,
    most: int | None = None,
) -> PageContent:
    """Return the page of what a node was made from, and what is made from it.

    Args:
        reader: Reads the store.
        text: A job, a dataset or a field, or a unique end of its name. The page opens
            with it.
        directions: Up, down or both.
        depth: Most edges between the node and another one; any number when omitted.
        at: As of `whole`.
        most: As of `whole`.

    Raises:
        ContractError: It has more.
        NotFoundError: No node is called so, or several are.
        BackendError: The store cannot be read.
    """
    found = find(reader, text, ANY, at)
    graph = column_graph(reader, at)
    keys = _bounded(_near(graph.snapshot, found, directions, depth), most)
    content = _page(reader, graph, keys, f"Lineage of {found.node.name}", at)
    return replace(content, chosen=0, chosen_field=found.node.field)


def _near(
    snapshot: Snapshot,
    found: Found,
    directions: Collection[Direction],
    depth: int | None,
) -> list[int]:
    """Return the keys of the node and of those around it, its own first."""
    keys = {found.key: None}
    start = snapshot.number(found.key)
    if start is not None:
        for direction in directions:
            reached = snapshot.graph.reach(start, direction, depth)
            keys |= dict.fromkeys(snapshot.keys[reached.nodes].tolist())
    return list(keys)


def _bounded(keys: list[int], most: int | None) -> list[int]:
    """Return the keys of nodes.

    Raises:
        ContractError: There are more than a page may have.
    """
    if most is not None and len(keys) > most:
        raise ContractError(
            f"a page shows {most:,} jobs and datasets at most, these are {len(keys):,};"
            " name the one to start from (node), and how many edges to go (depth)"
        )
    return keys


def _page(
    reader: Reader, graph: ColumnGraph, keys: list[int], title: str, at: datetime | None
) -> PageContent:
    time = at or datetime.now(UTC)
    content = gather(reader, graph, keys, title=title, at=time)
    if at is None:
        return content
    return replace(content, facts=(*content.facts, Fact("Not of then", NOW_ONLY)))
