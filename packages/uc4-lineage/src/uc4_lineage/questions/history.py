"""The graph as it was, and what changed between two times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from uc4_lineage.dataset_facets import columns_at
from uc4_lineage.node import Node
from uc4_lineage.reading import Reader, Snapshot

Edge = tuple[Node, Node]


@dataclass(frozen=True, slots=True)
class State:
    """What was known at one time.

    Attributes:
        at: The time; nothing for now.
        jobs: The jobs, sorted.
        datasets: The datasets, sorted.
        edges: Who read and wrote what, in the direction of the data, sorted.
    """

    at: datetime | None
    jobs: tuple[Node, ...]
    datasets: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Retyped:
    """A column whose type changed.

    Attributes:
        column: The column.
        before: Its type at the first time.
        after: Its type at the second time.
    """

    column: Node
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two times; each part is sorted.

    Attributes:
        jobs_added: Jobs that the second time knows and the first does not.
        jobs_removed: The other way round.
        datasets_added: As of the jobs.
        datasets_removed: As of the jobs.
        edges_added: Who read or wrote what, and had not.
        edges_removed: Who no longer reads or writes what it had.
        columns_added: Columns that schemas gained; of a new dataset all of them.
        columns_removed: Columns that schemas lost.
        columns_retyped: Columns with another type.
    """

    jobs_added: tuple[Node, ...]
    jobs_removed: tuple[Node, ...]
    datasets_added: tuple[Node, ...]
    datasets_removed: tuple[Node, ...]
    edges_added: tuple[Edge, ...]
    edges_removed: tuple[Edge, ...]
    columns_added: tuple[Node, ...]
    columns_removed: tuple[Node, ...]
    columns_retyped: tuple[Retyped, ...]


def graph_at(reader: Reader, at: datetime | None) -> Snapshot:
    """Return the graph of a time, by the times that events tell of themselves.

    Args:
        reader: Reads the store.
        at: A time with its zone; now when omitted.

    Raises:
        BackendError: The store cannot be read.
    """
    if at is None:
        return reader.snapshot()
    rows = reader.rows("edges_at", at=at)
    edges = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
    hidden = (key for (key,) in reader.rows("hidden"))
    return Snapshot.of(edges[:, 0], edges[:, 1], edges[:, 2] > 0, hidden)


def as_of(reader: Reader, at: datetime | None) -> State:
    """Return the jobs, the datasets and who read and wrote what at a time.

    Args:
        reader: Reads the store.
        at: A time with its zone; nothing for now.

    Raises:
        BackendError: The store cannot be read.
    """
    keys = _keys(reader, at)
    return State(
        at=at,
        jobs=_sorted(reader, (key for key in keys if key < 0)),
        datasets=_sorted(reader, (key for key in keys if key > 0)),
        edges=_named(reader, _pairs(graph_at(reader, at))),
    )


def diff(reader: Reader, first: datetime, second: datetime) -> Diff:
    """Return what changed between two times.

    Args:
        reader: Reads the store.
        first: A time with its zone.
        second: Another one; an earlier one tells the changes backwards.

    Raises:
        BackendError: The store cannot be read.
    """
    old, new = _keys(reader, first), _keys(reader, second)
    gone, come = old - new, new - old
    had, has = _pairs(graph_at(reader, first)), _pairs(graph_at(reader, second))
    before, after = columns_at(reader, first), columns_at(reader, second)
    both = before.keys() & after.keys()
    return Diff(
        jobs_added=_sorted(reader, (key for key in come if key < 0)),
        jobs_removed=_sorted(reader, (key for key in gone if key < 0)),
        datasets_added=_sorted(reader, (key for key in come if key > 0)),
        datasets_removed=_sorted(reader, (key for key in gone if key > 0)),
        edges_added=_named(reader, has - had),
        edges_removed=_named(reader, had - has),
        columns_added=_columns_of(reader, after.keys() - before.keys()),
        columns_removed=_columns_of(reader, before.keys() - after.keys()),
        columns_retyped=tuple(
            Retyped(_column(reader, one), before[one], after[one])
            for one in sorted(both)
            if before[one] != after[one]
        ),
    )


def _keys(reader: Reader, at: datetime | None) -> set[int]:
    return {key for (key,) in reader.rows("nodes_at", at=at)}


def _sorted(reader: Reader, keys: Iterable[int]) -> tuple[Node, ...]:
    return tuple(sorted(reader.nodes(keys), key=_order))


def _order(node: Node) -> tuple[str, ...]:
    return node.kind.value, node.namespace, node.name, node.field


def _pairs(snapshot: Snapshot) -> set[tuple[int, int]]:
    """Return the keys of both ends of each edge."""
    graph, keys = snapshot.graph, snapshot.keys
    ends = keys[graph.tails].tolist(), keys[graph.heads].tolist()
    return set(zip(*ends, strict=True))


def _named(reader: Reader, pairs: Iterable[tuple[int, int]]) -> tuple[Edge, ...]:
    found = list(pairs)
    tails = reader.nodes(tail for tail, _ in found)
    heads = reader.nodes(head for _, head in found)
    edges = zip(tails, heads, strict=True)
    return tuple(sorted(edges, key=lambda edge: (_order(edge[0]), _order(edge[1]))))


def _columns_of(reader: Reader, columns: Iterable[tuple[int, str]]) -> tuple[Node, ...]:
    return tuple(sorted((_column(reader, one) for one in columns), key=_order))


def _column(reader: Reader, column: tuple[int, str]) -> Node:
    (dataset,) = reader.nodes([column[0]])
    return Node.of_field(dataset.namespace, dataset.name, column[1])
