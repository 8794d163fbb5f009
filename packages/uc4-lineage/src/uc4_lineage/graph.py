"""Directed graphs of numbered nodes, quick at a hundred thousand edges.

An edge follows the data: from a dataset to the job that reads it, from a job to the
dataset that it writes, from a field to the field that is made from it.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.int64]
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
