"""What was made from what: all that lies up or down from a node, or between two."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mlops_common.errors import NotFoundError
from uc4_lineage.columns import ColumnGraph, Level, Met, Place
from uc4_lineage.graph import Direction
from uc4_lineage.naming import Found, find, shown
from uc4_lineage.node import Kind, Node
from uc4_lineage.questions.history import graph_at
from uc4_lineage.questions.origins import column_graph
from uc4_lineage.reading import Reader, Snapshot

ANY = (Kind.DATASET, Kind.JOB, Kind.FIELD)


@dataclass(frozen=True, slots=True)
class Reached:
    """A node within reach.

    Attributes:
        node: A job, a dataset or a field.
        distance: Edges between it and the start; a job lies between two datasets.
        level: Whether that is known of the columns, or only of whole tables.
    """

    node: Node
    distance: int
    level: Level = Level.TABLE


@dataclass(frozen=True, slots=True)
class Closure:
    """All that lies up or down from a node.

    Attributes:
        start: The node.
        direction: Up to what it was made from, or down to what is made from it.
        reached: The other nodes, the nearest first.
        at: The time of which that is so; nothing for now.
    """

    start: Node
    direction: Direction
    reached: tuple[Reached, ...]
    at: datetime | None = None


def closure(
    reader: Reader,
    text: str,
    direction: Direction,
    depth: int | None = None,
    at: datetime | None = None,
) -> Closure:
    """Return what lies up or down from a dataset, a job or a field.

    From a field it follows the origins of fields as far as jobs tell them, and whole
    tables from there on.

    Args:
        reader: Reads the store.
        text: The node, or a unique end of its name.
        direction: Up to what it was made from, or down to what is made from it.
        depth: Most edges between the start and a node: at 1 the jobs next to a dataset,
            at 2 the datasets behind them too. All of it when omitted.
        at: A moment of the past; now when omitted.

    Raises:
        NotFoundError: No node is called so, or several are.
        BackendError: The store cannot be read.
    """
    found = find(reader, text, ANY, at)
    return Closure(
        found.node, direction, around(reader, found, direction, depth, at), at
    )


def around(
    reader: Reader,
    found: Found,
    direction: Direction,
    depth: int | None = None,
    at: datetime | None = None,
) -> tuple[Reached, ...]:
    """Return what lies up or down from a node that was found; see `closure`."""
    if found.node.kind is not Kind.FIELD:
        return reached(reader, graph_at(reader, at), found.key, direction, depth)
    met = column_graph(reader, at).walk(place(found), direction, depth)
    return tuple(named_places(reader, met[1:]))


def reached(
    reader: Reader,
    snapshot: Snapshot,
    key: int,
    direction: Direction,
    depth: int | None = None,
) -> tuple[Reached, ...]:
    """Return the nodes up or down from that with a key, without itself.

    Args:
        reader: Knows the names.
        snapshot: The graph.
        key: Key of the start.
        direction: Against the edges, or along them.
        depth: Most edges between the start and a node.
    """
    start = snapshot.number(key)
    if start is None:
        return ()
    found = snapshot.graph.reach(start, direction, depth)
    nodes = reader.nodes(snapshot.keys[found.nodes[1:]].tolist())
    distances = found.distances[1:].tolist()
    return tuple(Reached(node, d) for node, d in zip(nodes, distances, strict=True))


def path(
    reader: Reader, start: str, end: str, at: datetime | None = None
) -> tuple[Node, ...]:
    """Return a shortest way along which data flows from one node to another.

    Args:
        reader: Reads the store.
        start: Where the data comes from: a node, or a unique end of its name.
        end: Where it goes.
        at: A moment of the past; now when omitted.

    Returns:
        The nodes from the start to the end. Between two fields these are fields.

    Raises:
        NotFoundError: A node is unknown, or no data flows from the first to the second.
        BackendError: The store cannot be read.
    """
    first, last = find(reader, start, ANY, at), find(reader, end, ANY, at)
    found = _path(reader, first, last, at)
    if found:
        return tuple(found)
    ends = shown(first.node.id), shown(last.node.id)
    hint = (
        f"it flows from {ends[1]} to {ends[0]}"
        if _path(reader, last, first, at)
        else "`mlops lineage down` shows where it goes to"
    )
    raise NotFoundError(f"no data flows from {ends[0]} to {ends[1]}; {hint}")


def _path(reader: Reader, first: Found, last: Found, at: datetime | None) -> list[Node]:
    if {first.node.kind, last.node.kind} == {Kind.FIELD}:
        return _field_path(reader, column_graph(reader, at), first, last)
    return _node_path(reader, graph_at(reader, at), first, last)


def _node_path(
    reader: Reader, snapshot: Snapshot, first: Found, last: Found
) -> list[Node]:
    start, end = snapshot.number(first.key), snapshot.number(last.key)
    if start is None or end is None:
        return [first.node] if first.key == last.key else []
    numbers = snapshot.graph.path(start, end)
    return reader.nodes(snapshot.keys[numbers].tolist()) if numbers else []


def _field_path(
    reader: Reader, graph: ColumnGraph, first: Found, last: Found
) -> list[Node]:
    places = graph.path(place(first), place(last))
    return [one.node for one in named_places(reader, _met(places))]


def _met(places: Iterable[Place]) -> list[Met]:
    return [Met(one, i, Level.COLUMN) for i, one in enumerate(places)]


def place(found: Found) -> Place:
    """Return a node of the store as the graph of columns names it."""
    return Place(found.key, found.node.field)


def named_places(reader: Reader, met: Iterable[Met]) -> list[Reached]:
    """Return what a walk met by its names."""
    found = list(met)
    owners = reader.nodes(one.place.key for one in found)
    return [
        Reached(_node(owner, one.place.field), one.distance, one.level)
        for owner, one in zip(owners, found, strict=True)
    ]


def _node(owner: Node, field: str) -> Node:
    return Node.of_field(owner.namespace, owner.name, field) if field else owner
