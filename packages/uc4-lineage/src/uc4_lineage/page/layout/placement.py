"""Heights: where in its column each item lies, in the order that the column has."""

from collections.abc import Sequence
from itertools import pairwise

from uc4_lineage.page.layout.ordering import Columns

SWEEPS = 10
STRAIGHT = 8.0  # weight of what joins two bends, so that long edges are straight
HALF_STRAIGHT = 2.0  # weight of what joins a bend and a node
KEPT = 1e-3  # weight of the present height of an item without neighbours


def spread(
    wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]
) -> list[float]:
    """Return heights near those wanted that keep their order and their distances.

    They minimise the weighted sum of squared moves: isotonic regression by pooling
    adjacent violators, on heights less the distances before them.

    Args:
        wanted: A height for each of n items, in their order.
        weights: How much each matters, above 0.
        distances: Least distance between each item and the next, n − 1 of them.

    Returns:
        The n heights.

    Examples:
        >>> spread([0.0, 0.0, 9.0], [1.0, 1.0, 1.0], [2.0, 2.0])
        [-1.0, 1.0, 9.0]

    References:
        M. Ayer et al. (1955). An empirical distribution function for sampling with
        incomplete information. Ann. Math. Stat. 26(4), 641-647.
    """
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, number of items
    for height, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, total, count = height - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, heavy, more = blocks.pop()
            mean = (mean * total + other * heavy) / (total + heavy)
            total, count = total + heavy, count + more
        blocks.append((mean, total, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def heights(columns: Columns, size: int, extents: Sequence[float]) -> list[float]:
    """Return the height of the centre of each item, from 0 downwards.

    Args:
        columns: Ordered columns of nodes and bends.
        size: Number of nodes; items from there on are bends.
        extents: The room that each item takes, with the gap to the next.

    Returns:
        A height for each item; in a column no two are nearer than half the sum of
        what they take.
    """
    at = [0.0] * len(extents)
    for row in columns.rows:
        _settle(row, at, [0.0] * len(row), [1.0] * len(row), extents)
    both = [a + b for a, b in zip(columns.left, columns.right, strict=True)]
    for sweep in range(SWEEPS):
        for row in columns.rows:
            _follow(row, at, columns.left if sweep else both, size, extents)
        for row in reversed(columns.rows):
            _follow(row, at, columns.right, size, extents)
    for row in columns.rows:
        _follow(row, at, both, size, extents)
    top = min(
        (at[item] - extents[item] / 2 for row in columns.rows for item in row),
        default=0.0,
    )
    return [height - top for height in at]


def _follow(
    row: Sequence[int],
    at: list[float],
    neighbours: Sequence[Sequence[int]],
    size: int,
    extents: Sequence[float],
) -> None:
    """Move the items of a column towards their neighbours."""
    wanted, weights = [], []
    for item in row:
        pulls = [(at[other], _weight(item, other, size)) for other in neighbours[item]]
        total = sum(weight for _, weight in pulls)
        if total:
            wanted.append(sum(height * weight for height, weight in pulls) / total)
        else:
            wanted.append(at[item])
        weights.append(total or KEPT)
    _settle(row, at, wanted, weights, extents)


def _settle(
    row: Sequence[int],
    at: list[float],
    wanted: Sequence[float],
    weights: Sequence[float],
    extents: Sequence[float],
) -> None:
    distances = [
        (extents[above] + extents[below]) / 2 for above, below in pairwise(row)
    ]
    for item, height in zip(row, spread(wanted, weights, distances), strict=True):
        at[item] = height


def _weight(item: int, other: int, size: int) -> float:
    """Return how strongly a neighbour pulls, as Graphviz weighs them."""
    bends = (item >= size) + (other >= size)
    return (1.0, HALF_STRAIGHT, STRAIGHT)[bends]
