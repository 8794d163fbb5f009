"""Order: which node of a column lies above which, so that few edges cross."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

from uc4_lineage.page.layout.cycles import Edge

SWEEPS = 12  # over all columns and back; more gain little
LARGE = 4_000  # nodes and bends, above which fewer sweeps must do
FEW_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a graph whose edges each lead from one column to the next.

    Attributes:
        rows: The items of each column, from above.
        left: Items that lead to each item, all of the column on its left.
        right: Items that each item leads to, all of the column on its right.
    """

    rows: list[list[int]]
    left: list[list[int]]
    right: list[list[int]]


def proper(column: Sequence[int], edges: Sequence[Edge]) -> Columns:
    """Return the columns, in which each long edge became a chain of bends.

    Args:
        column: The column of each node.
        edges: Pairs of tail and head, all from left to right.

    Returns:
        Columns of nodes and bends. Bends are numbered on from the nodes, edge after
        edge, each from left to right.

    Examples:
        >>> proper([0, 1, 2], [(0, 1), (1, 2), (0, 2)]).rows
        [[0], [1, 3], [2]]
    """
    rows: list[list[int]] = [[] for _ in range(max(column, default=-1) + 1)]
    for node, place in enumerate(column):
        rows[place].append(node)
    count = len(column)
    pairs: list[Edge] = []
    for tail, head in edges:
        before = tail
        for place in range(column[tail] + 1, column[head]):
            rows[place].append(count)
            pairs.append((before, count))
            before, count = count, count + 1
        pairs.append((before, head))
    left: list[list[int]] = [[] for _ in range(count)]
    right: list[list[int]] = [[] for _ in range(count)]
    for tail, head in pairs:
        right[tail].append(head)
        left[head].append(tail)
    return Columns(rows, left, right)


def crossings(columns: Columns) -> int:
    """Return how many pairs of edges cross.

    Examples:
        >>> crossings(Columns([[0, 1], [2, 3]], [[], [], [1], [0]], [[3], [2], [], []]))
        1
    """
    place = _places(columns.rows)
    total = 0
    for row in columns.rows:
        heads: list[int] = []
        for item in row:
            ends = sorted(place[head] for head in columns.right[item])
            total += sum(len(heads) - bisect_right(heads, end) for end in ends)
            for end in ends:
                insort(heads, end)
    return total


def ordered(columns: Columns) -> Columns:
    """Return the columns in the order with the fewest crossings that was found.

    That as given counts too. From the order of a search on, each item moves to the mean
    of the places of its neighbours (barycentre), column after column to the right and
    back, a fixed number of times.
    """
    rows = _first_order(columns)
    first = Columns(rows, columns.left, columns.right)
    best = min(first, columns, key=crossings)
    fewest = crossings(best)
    large = sum(map(len, rows)) > LARGE
    for _ in range(FEW_SWEEPS if large else SWEEPS):
        if not fewest:
            break
        rows = _swept(_swept(rows, columns.left)[::-1], columns.right)[::-1]
        tried = Columns(rows, columns.left, columns.right)
        count = crossings(tried)
        if count < fewest:
            best, fewest = tried, count
    return best


def _first_order(columns: Columns) -> list[list[int]]:
    """Return the columns in the order in which a depth-first search meets them."""
    met: dict[int, int] = {}
    for row in columns.rows:
        stack = [item for item in reversed(row) if item not in met]
        while stack:
            item = stack.pop()
            if item not in met:
                met[item] = len(met)
                stack += reversed(columns.right[item])
                stack += reversed(columns.left[item])
    return [sorted(row, key=met.__getitem__) for row in columns.rows]


def _swept(
    rows: Sequence[list[int]], neighbours: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Return the columns, each ordered by that before it."""
    result: list[list[int]] = []
    place: dict[int, float] = {}
    for row in rows:
        at = {
            item: sum(place[other] for other in neighbours[item])
            / len(neighbours[item])
            if neighbours[item]
            else float(index)
            for index, item in enumerate(row)
        }
        result.append(sorted(row, key=at.__getitem__))
        place = {item: float(index) for index, item in enumerate(result[-1])}
    return result


def _places(rows: Sequence[Sequence[int]]) -> dict[int, int]:
    return {item: index for row in rows for index, item in enumerate(row)}
