"""Directed graphs of numbered nodes, quick at a hundred thousand edges.

An edge follows the data: from a dataset to the job that reads it, from a job to the
dataset that it writes, from a field to the field that is made from it.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.int64]
Label = TypeVar("Label", bound=Hashable)
NOWHERE = -9_999  # what SciPy gives as the predecessor of a node that has none


class Direction(StrEnum):
    """Which way to follow the edges."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Reach:
    """What can be reached from some nodes, the nearest first.

    Attributes:
        nodes: The k nodes that were reached, the start included.
        distances: Edges between the start and each of them, k numbers.
    """

    nodes: Numbers
    distances: Numbers


class Graph:
    """A directed graph; it may have cycles, self loops and repeated edges.

    Args:
        size: Number of nodes n; they are numbered 0 to n - 1.
        tails: Node that each of the m edges leaves.
        heads: Node that each of the m edges enters.

    Examples:
        >>> chain = Graph(3, [0, 1], [1, 2])
        >>> chain.reach(0, Direction.DOWN).distances.tolist()
        [0, 1, 2]
    """

    def __init__(self, size: int, tails: ArrayLike, heads: ArrayLike) -> None:
        self.size = size
        self.tails: Numbers = np.asarray(tails, dtype=np.int64)
        self.heads: Numbers = np.asarray(heads, dtype=np.int64)

    @cached_property
    def _down(self) -> Any:
        return self._matrix(self.tails, self.heads)

    @cached_property
    def _up(self) -> Any:
        return self._matrix(self.heads, self.tails)

    def _matrix(self, rows: Numbers, columns: Numbers) -> Any:
        from scipy.sparse import csr_array

        # SciPy takes a stored zero for no edge, and repeated edges for their sum.
        ones = np.ones(len(rows), dtype=np.float64)
        return csr_array((ones, (rows, columns)), shape=(self.size, self.size))

    def _search(self, start: int, direction: Direction) -> tuple[Numbers, Numbers]:
        """Return the nodes in order of their distance, and whence each was entered."""
        from scipy.sparse.csgraph import breadth_first_order

        matrix = self._down if direction is Direction.DOWN else self._up
        order, before = breadth_first_order(matrix, start)
        return order.astype(np.int64), before.astype(np.int64)

    def reach(
        self, start: int, direction: Direction, depth: int | None = None
    ) -> Reach:
        """Return every node that can be reached from `start`.

        Args:
            start: Number of a node.
            direction: Against the edges, or along them.
            depth: Most edges between the start and a node; any number when omitted.
        """
        order, before = self._search(start, direction)
        positions = np.empty(self.size, dtype=np.int64)
        positions[order] = np.arange(len(order))
        # Whoever was entered from an earlier node comes earlier: a level is a slice.
        parents = positions[before[order[1:]]]
        ends = [1]
        while ends[-1] < len(order) and (depth is None or len(ends) <= depth):
            ends.append(1 + int(np.searchsorted(parents, ends[-1])))
        sizes = np.diff(ends, prepend=0)
        distances = np.repeat(np.arange(len(ends)), sizes)
        return Reach(order[: ends[-1]], distances)

    def path(self, start: int, end: int) -> list[int]:
        """Return a shortest path along the edges, or nothing where there is none."""
        _, before = self._search(start, Direction.DOWN)
        path = [end]
        while path[-1] != start:
            previous = int(before[path[-1]])
            if previous == NOWHERE:
                return []
            path.append(previous)
        return path[::-1]

    def next_to(self, node: int, direction: Direction) -> Numbers:
        """Return the nodes that one edge parts from `node`, ascending."""
        matrix = self._down if direction is Direction.DOWN else self._up
        first, last = matrix.indptr[node], matrix.indptr[node + 1]
        return np.sort(matrix.indices[first:last]).astype(np.int64)

    def among(self, nodes: ArrayLike) -> NDArray[np.bool_]:
        """Return which of the m edges have both their ends among `nodes`."""
        chosen = np.zeros(self.size, dtype=bool)
        chosen[np.asarray(nodes, dtype=np.int64)] = True
        return chosen[self.tails] & chosen[self.heads]


class Labelled(Generic[Label]):
    """A graph whose nodes are values, such as `uc4_lineage.node.Node`.

    Args:
        edges: Pairs of a tail and a head.
        nodes: Nodes that may have no edge.

    Attributes:
        labels: The nodes, in order of their first mention.
        graph: The same graph in numbers.

    Examples:
        >>> chain = Labelled([("orders", "load"), ("load", "revenue")])
        >>> chain.reach("revenue", Direction.UP)
        {'revenue': 0, 'load': 1, 'orders': 2}
        >>> chain.path("orders", "revenue")
        ['orders', 'load', 'revenue']
    """

    def __init__(
        self, edges: Iterable[tuple[Label, Label]], nodes: Iterable[Label] = ()
    ) -> None:
        self._numbers: dict[Label, int] = {}
        for node in nodes:
            self._number(node)
        pairs = [(self._number(tail), self._number(head)) for tail, head in edges]
        self.labels: Sequence[Label] = tuple(self._numbers)
        self.graph = Graph(
            len(self.labels), [tail for tail, _ in pairs], [head for _, head in pairs]
        )

    def _number(self, node: Label) -> int:
        return self._numbers.setdefault(node, len(self._numbers))

    def __contains__(self, node: object) -> bool:
        return node in self._numbers

    def reach(
        self, start: Label, direction: Direction, depth: int | None = None
    ) -> dict[Label, int]:
        """Return the distance of every node within reach, the nearest first.

        Raises:
            KeyError: The graph has no node `start`.
        """
        found = self.graph.reach(self._numbers[start], direction, depth)
        distances = found.distances.tolist()
        nodes = found.nodes.tolist()
        return {self.labels[n]: d for n, d in zip(nodes, distances, strict=True)}

    def path(self, start: Label, end: Label) -> list[Label]:
        """Return a shortest path along the edges, or nothing where there is none.

        Raises:
            KeyError: The graph has no node `start` or no node `end`.
        """
        found = self.graph.path(self._numbers[start], self._numbers[end])
        return [self.labels[number] for number in found]

    def edges_among(self, nodes: Iterable[Label]) -> list[tuple[Label, Label]]:
        """Return the edges that have both their ends among `nodes`.

        Raises:
            KeyError: The graph lacks one of the nodes.
        """
        kept = self.graph.among([self._numbers[node] for node in nodes])
        ends = zip(self.graph.tails[kept], self.graph.heads[kept], strict=True)
        return [(self.labels[tail], self.labels[head]) for tail, head in ends]
