"""The whole layout: from nodes and edges to columns, heights and bends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uc4_lineage.page.layout import cycles, layering, ordering, packing, placement
from uc4_lineage.page.layout.cycles import Edge

MOST_BENDS = 30_000  # of one part; the longest edges beyond them are drawn straight
BEND = 14.0  # pixels that a bend takes, with the gap to the next


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies.

    Attributes:
        columns: The column of each node, from 0 on the left.
        heights: The centre of each node, in pixels from the top.
        bends: For each edge that skips columns, its heights in them, from tail to
            head. Absent where it is drawn straight.
        back: The edges that run to the left, because the graph has a cycle.
    """

    columns: tuple[int, ...]
    heights: tuple[float, ...]
    bends: Mapping[Edge, tuple[float, ...]]
    back: frozenset[Edge]


@dataclass(frozen=True, slots=True)
class _Part:
    nodes: Sequence[int]
    columns: Sequence[int]
    heights: Sequence[float]
    bends: Mapping[Edge, tuple[float, ...]]
    box: packing.Box


def layout(
    size: int, edges: Sequence[Edge], *, card: float, width: float, gap: float
) -> Layout:
    """Lay a directed graph out from left to right; cycles are allowed.

    Args:
        size: Number of nodes; nodes are 0, …, size − 1.
        edges: Pairs of tail and head; a loop of one node is drawn nowhere.
        card: Pixels that a node takes in its column, with the gap to the next.
        width: Pixels from one column to the next.
        gap: Pixels between parts that nothing joins.

    Examples:
        >>> place = layout(3, [(0, 1), (1, 2)], card=60, width=300, gap=40)
        >>> place.columns, place.heights
        ((0, 1, 2), (30.0, 30.0, 30.0))
    """
    joined = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    back = cycles.back_edges(size, joined)
    ahead = list(dict.fromkeys(edge[::-1] if edge in back else edge for edge in joined))
    parts = _parts(size, ahead, card)
    places = packing.packed([part.box for part in parts], width, gap)
    columns, heights = [0] * size, [0.0] * size
    bends: dict[Edge, tuple[float, ...]] = {}
    for part, (first, top) in zip(parts, places, strict=True):
        for node, column, height in zip(
            part.nodes, part.columns, part.heights, strict=False
        ):
            columns[node], heights[node] = first + column, top + height
        for edge, path in part.bends.items():
            bends[edge] = tuple(top + height for height in path)
    for tail, head in back:
        if (head, tail) in bends:
            bends[tail, head] = bends[head, tail][::-1]
    known = set(joined)
    kept = {edge: path for edge, path in bends.items() if edge in known}
    return Layout(tuple(columns), tuple(heights), kept, back)


def _parts(size: int, edges: Sequence[Edge], card: float) -> list[_Part]:
    """Return the laid-out parts of an acyclic graph, those without edges as one."""
    groups = packing.components(size, edges)
    number = [0] * size
    for index, group in enumerate(groups):
        for node in group:
            number[node] = index
    inside: list[list[Edge]] = [[] for _ in groups]
    for tail, head in edges:
        inside[number[tail]].append((tail, head))
    return [_part(group, inside[i], card) for i, group in enumerate(groups)]


def _part(nodes: Sequence[int], edges: Sequence[Edge], card: float) -> _Part:
    """Lay out one part; heights start at its upper edge."""
    index = {node: i for i, node in enumerate(nodes)}
    local = [(index[tail], index[head]) for tail, head in edges]
    column = layering.columns(len(nodes), local)
    column = [place - min(column) for place in column]
    bent = _bent(column, local)
    graph = ordering.ordered(ordering.proper(column, bent))
    extents = [card] * len(nodes) + [BEND] * (len(graph.left) - len(nodes))
    heights = placement.heights(graph, len(nodes), extents)
    bends: dict[Edge, tuple[float, ...]] = {}
    count = len(nodes)
    for tail, head in bent:
        between = column[head] - column[tail] - 1
        if between:
            path = tuple(heights[count : count + between])
            bends[nodes[tail], nodes[head]] = path
            count += between
    bottoms = [at + extent / 2 for at, extent in zip(heights, extents, strict=True)]
    box = packing.Box(max(column) + 1, max(bottoms))
    return _Part(nodes, column, heights[: len(nodes)], bends, box)


def _bent(column: Sequence[int], edges: Sequence[Edge]) -> list[Edge]:
    """Return the edges that may have bends: all, but for the longest of too many."""
    spans = sorted(edges, key=lambda edge: column[edge[1]] - column[edge[0]])
    left = MOST_BENDS
    kept = []
    for tail, head in spans:
        left -= column[head] - column[tail] - 1
        if left >= 0:
            kept.append((tail, head))
    return kept
