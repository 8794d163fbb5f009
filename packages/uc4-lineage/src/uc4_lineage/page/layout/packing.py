"""Packing: where the parts of a graph that nothing joins lie beside each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, sqrt

from uc4_lineage.page.layout.cycles import Edge

ASPECT = 1.8  # width over height of the whole, as a screen has


@dataclass(frozen=True, slots=True)
class Box:
    """The room that a part takes.

    Attributes:
        columns: Its width, in columns.
        height: Its height, in pixels.
    """

    columns: int
    height: float


def components(size: int, edges: Sequence[Edge]) -> list[list[int]]:
    """Return the parts of a graph that no edge joins, each in ascending order.

    Examples:
        >>> components(4, [(0, 2), (3, 2)])
        [[0, 2, 3], [1]]
    """
    parent = list(range(size))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for tail, head in edges:
        first, second = sorted((root(tail), root(head)))
        parent[second] = first
    parts = sorted(range(size), key=lambda node: (root(node), node))
    return [list(part) for _, part in groupby(parts, key=root)]


def packed(boxes: Sequence[Box], width: float, gap: float) -> list[tuple[int, float]]:
    """Return a place for each box: its first column and its upper edge.

    Boxes stand on shelves, the tallest first, so that the whole has the shape of a
    screen. One with a single column may touch its neighbour; others keep one free.

    Args:
        boxes: The parts.
        width: Pixels from one column to the next.
        gap: Pixels between two shelves.

    Examples:
        >>> packed([Box(1, 50.0), Box(3, 100.0)], width=100.0, gap=10.0)
        [(0, 110.0), (0, 0.0)]
    """
    order = sorted(range(len(boxes)), key=lambda i: (-boxes[i].height, i))
    places = [(0, 0.0)] * len(boxes)
    top = 0.0
    for shelf in _shelves(boxes, order, _widest(boxes, width, gap)):
        column = 0
        for i in shelf:
            places[i] = (column, top)
            column += _taken(boxes[i])
        top += max(boxes[i].height for i in shelf) + gap
    return places


def _widest(boxes: Sequence[Box], width: float, gap: float) -> int:
    """Return how many columns a shelf may have."""
    area = sum(_taken(box) * width * (box.height + gap) for box in boxes)
    broadest = max((box.columns for box in boxes), default=1)
    return max(broadest, ceil(sqrt(area * ASPECT) / width))


def _shelves(
    boxes: Sequence[Box], order: Sequence[int], widest: int
) -> Iterator[list[int]]:
    shelf: list[int] = []
    column = 0
    for i in order:
        if shelf and column + boxes[i].columns > widest:
            yield shelf
            shelf, column = [], 0
        shelf.append(i)
        column += _taken(boxes[i])
    if shelf:
        yield shelf


def _taken(box: Box) -> int:
    return box.columns if box.columns == 1 else box.columns + 1
