"""Cycles: which edges have to run against the direction of all others."""

from collections.abc import Iterator, Sequence

Edge = tuple[int, int]


def successors(size: int, edges: Sequence[Edge]) -> list[list[int]]:
    """Return, for each node, where its edges lead, in the order of the edges.

    Examples:
        >>> successors(3, [(0, 1), (0, 2)])
        [[1, 2], [], []]
    """
    following: list[list[int]] = [[] for _ in range(size)]
    for tail, head in edges:
        following[tail].append(head)
    return following


def back_edges(size: int, edges: Sequence[Edge]) -> frozenset[Edge]:
    """Return edges whose reversal leaves no cycle.

    They are those that a depth-first search meets on its own path. It starts at nodes
    that nothing leads to, so that what a job reads from outside stays on its left.

    Args:
        size: Number of nodes; nodes are 0, …, size − 1.
        edges: Pairs of tail and head; no loops of one node.

    Returns:
        A subset of `edges`.

    Examples:
        A job (1) that reads a source (0) and updates a table (2).

        >>> back_edges(3, [(0, 1), (1, 2), (2, 1)])
        frozenset({(2, 1)})
    """
    following = successors(size, edges)
    entered = {head for _, head in edges}
    roots = sorted(range(size), key=lambda node: (node in entered, node))
    seen: set[int] = set()
    found: set[Edge] = set()
    for root in roots:
        if root not in seen:
            found.update(_against(root, following, seen))
    return frozenset(found)


def _against(
    root: int, following: Sequence[Sequence[int]], seen: set[int]
) -> Iterator[Edge]:
    """Yield the edges that lead back onto the path of a search from `root`."""
    seen.add(root)
    path = {root}
    stack = [(root, iter(following[root]))]
    while stack:
        node, heads = stack[-1]
        for head in heads:
            if head in path:
                yield node, head
            elif head not in seen:
                seen.add(head)
                path.add(head)
                stack.append((head, iter(following[head])))
                break
        else:
            path.remove(node)
            stack.pop()
