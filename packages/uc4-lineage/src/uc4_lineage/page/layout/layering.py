"""Columns: how far to the right each node of an acyclic graph lies."""

from collections.abc import Sequence

from uc4_lineage.page.layout.cycles import Edge, successors


def columns(size: int, edges: Sequence[Edge]) -> list[int]:
    """Return a column for each node, such that every edge runs to the right.

    A node lies one right of the last of its origins (longest-path layering); then
    nodes with more edges to the right than to the left move there as far as they
    can, so that a source lies beside its first reader.

    Args:
        size: Number of nodes.
        edges: Pairs of tail and head, without cycles.

    Returns:
        Columns from 0, one for each node.

    Examples:
        >>> columns(5, [(0, 1), (1, 2), (2, 3), (4, 3)])
        [0, 1, 2, 3, 2]
    """
    following = successors(size, edges)
    preceding = successors(size, [(head, tail) for tail, head in edges])
    order = topological_order(following, preceding)
    column = [0] * size
    for node in order:
        column[node] = max((column[tail] + 1 for tail in preceding[node]), default=0)
    for node in reversed(order):
        if len(following[node]) > len(preceding[node]):
            column[node] = min(column[head] for head in following[node]) - 1
    return column


def topological_order(
    following: Sequence[Sequence[int]], preceding: Sequence[Sequence[int]]
) -> list[int]:
    """Return the nodes of an acyclic graph, each after all of its origins.

    Examples:
        >>> topological_order([[], [0]], [[1], []])
        [1, 0]
    """
    missing = [len(tails) for tails in preceding]
    order = [node for node, count in enumerate(missing) if not count]
    for node in order:
        for head in following[node]:
            missing[head] -= 1
            if not missing[head]:
                order.append(head)
    return order
