from collections import deque
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from uc4_lineage.graph import Direction, Graph

LONG = 5_000

Edges = list[tuple[int, int]]
SIZE = 12
GRAPHS = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=40
)
NODES = st.integers(0, SIZE - 1)


def graph(edges: Edges) -> Graph:
    return Graph(SIZE, [tail for tail, _ in edges], [head for _, head in edges])


def walked(edges: Edges, start: int) -> dict[int, int]:
    """The distance of each node, by the plainest search."""
    distances, queue = {start: 0}, deque([start])
    while queue:
        node = queue.popleft()
        for tail, head in edges:
            if tail == node and head not in distances:
                distances[head] = distances[node] + 1
                queue.append(head)
    return distances


@given(GRAPHS, NODES, st.one_of(st.none(), st.integers(0, SIZE)))
def test_reach_is_what_a_plain_search_finds(
    edges: Edges, start: int, depth: int | None
) -> None:
    found = graph(edges).reach(start, Direction.DOWN, depth)

    bound = SIZE if depth is None else depth
    expected = {n: d for n, d in walked(edges, start).items() if d <= bound}
    distances = found.distances.tolist()
    assert dict(zip(found.nodes.tolist(), distances, strict=True)) == expected
    assert distances == sorted(distances)


@given(GRAPHS, NODES)
def test_up_is_down_with_every_edge_turned(edges: Edges, start: int) -> None:
    turned = [(head, tail) for tail, head in edges]

    up = graph(edges).reach(start, Direction.UP)

    found = zip(up.nodes.tolist(), up.distances.tolist(), strict=True)
    assert dict(found) == walked(turned, start)


@given(GRAPHS, NODES, NODES)
def test_a_path_follows_edges_and_none_is_shorter(
    edges: Edges, start: int, end: int
) -> None:
    path = graph(edges).path(start, end)

    distance = walked(edges, start).get(end)
    assert len(path) == (0 if distance is None else distance + 1)
    assert set(pairwise(path)) <= set(edges)
    assert not path or (path[0], path[-1]) == (start, end)


@given(GRAPHS, st.sets(NODES))
def test_edges_among_nodes_have_both_ends_there(edges: Edges, nodes: set[int]) -> None:
    kept = graph(edges).among(sorted(nodes))

    assert [edge for edge, keep in zip(edges, kept, strict=True) if keep] == [
        (tail, head) for tail, head in edges if tail in nodes and head in nodes
    ]


def test_a_chain_as_long_as_the_graph_has_an_end() -> None:
    chain = Graph(LONG, range(LONG - 1), range(1, LONG))

    assert chain.reach(0, Direction.DOWN).distances[-1] == LONG - 1
    assert len(chain.path(0, LONG - 1)) == LONG


def test_a_graph_without_edges_reaches_only_the_start() -> None:
    lonely = Graph(1, [], [])

    assert lonely.reach(0, Direction.UP).nodes.tolist() == [0]
    assert lonely.path(0, 0) == [0]
