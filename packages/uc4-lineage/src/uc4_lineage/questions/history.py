"""The graph as it was, and what changed between two times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from uc4_lineage.node import Kind, Node
from uc4_lineage.reading import Reader, Snapshot

Edge = tuple[Node, Node]
Sortable = TypeVar("Sortable", bound=Any)


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
    nodes = reader.nodes(key for (key,) in reader.rows("nodes_at", at=at))
    return State(
        at=at,
        jobs=tuple(sorted(node for node in nodes if node.kind is Kind.JOB)),
        datasets=tuple(sorted(node for node in nodes if node.kind is Kind.DATASET)),
        edges=_edges(reader, graph_at(reader, at)),
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
    before, after = as_of(reader, first), as_of(reader, second)
    had, has = _columns(reader, first), _columns(reader, second)
    retyped = (c for c in had.keys() & has.keys() if had[c] != has[c])
    return Diff(
        jobs_added=_only(after.jobs, before.jobs),
        jobs_removed=_only(before.jobs, after.jobs),
        datasets_added=_only(after.datasets, before.datasets),
        datasets_removed=_only(before.datasets, after.datasets),
        edges_added=_only(after.edges, before.edges),
        edges_removed=_only(before.edges, after.edges),
        columns_added=_only(has, had),
        columns_removed=_only(had, has),
        columns_retyped=tuple(Retyped(c, had[c], has[c]) for c in sorted(retyped)),
    )


def _only(these: Iterable[Sortable], those: Iterable[Sortable]) -> tuple[Sortable, ...]:
    return tuple(sorted(set(these) - set(those)))


def _edges(reader: Reader, snapshot: Snapshot) -> tuple[Edge, ...]:
    nodes = reader.nodes(snapshot.keys.tolist())
    ends = zip(snapshot.graph.tails, snapshot.graph.heads, strict=True)
    return tuple(sorted((nodes[tail], nodes[head]) for tail, head in ends))


def _columns(reader: Reader, at: datetime) -> dict[Node, str]:
    """Return the type of each column at a time."""
    rows = reader.rows("fields_at", at=at)
    datasets = reader.nodes(key for key, _, _ in rows)
    return {
        Node.of_field(dataset.namespace, dataset.name, field): type_
        for dataset, (_, field, type_) in zip(datasets, rows, strict=True)
    }
