"""The layout of a page, by what holds for every graph."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uc4_lineage.page.layout import cycles, layering, ordering, packing, placement
from uc4_lineage.page.layout.cycles import Edge
from uc4_lineage.page.layout.drawing import Layout, layout

CARD, WIDTH, GAP = 60.0, 300.0, 40.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    """Any graph, with cycles, loops of one node and repeated edges."""
    size = draw(st.integers(1, 16))
    node = st.integers(0, size - 1)
    return size, draw(st.lists(st.tuples(node, node), max_size=40))


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    size, edges = draw(graphs())
    ahead = {(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]}
    return size, sorted(ahead)


def laid_out(graph: tuple[int, list[Edge]]) -> Layout:
    return layout(*graph, card=CARD, width=WIDTH, gap=GAP)


@given(graphs())
def test_every_edge_runs_to_the_right_unless_it_closes_a_cycle(
    graph: tuple[int, list[Edge]],
) -> None:
    place = laid_out(graph)

    for tail, head in graph[1]:
        if tail != head:
            runs_right = place.columns[tail] < place.columns[head]
            assert runs_right is ((tail, head) not in place.back)


@given(acyclic_graphs())
def test_a_graph_without_cycles_has_no_edge_that_runs_back(
    graph: tuple[int, list[Edge]],
) -> None:
    assert laid_out(graph).back == frozenset()


@given(graphs())
def test_no_two_cards_overlap(graph: tuple[int, list[Edge]]) -> None:
    place = laid_out(graph)

    columns: dict[int, list[float]] = {}
    for column, height in zip(place.columns, place.heights, strict=True):
        columns.setdefault(column, []).append(height)
    for heights in columns.values():
        for above, below in pairwise(sorted(heights)):
            assert below - above >= CARD - 1e-6
        assert min(heights) >= CARD / 2 - 1e-6


@given(graphs())
def test_an_edge_bends_once_in_each_column_that_it_skips(
    graph: tuple[int, list[Edge]],
) -> None:
    place = laid_out(graph)

    for tail, head in set(graph[1]):
        skipped = max(abs(place.columns[tail] - place.columns[head]) - 1, 0)
        assert len(place.bends.get((tail, head), ())) == skipped


@given(graphs())
def test_no_edge_bends_behind_a_card(graph: tuple[int, list[Edge]]) -> None:
    place = laid_out(graph)

    cards = list(zip(place.columns, place.heights, strict=True))
    for (tail, head), bends in place.bends.items():
        step = 1 if place.columns[head] > place.columns[tail] else -1
        for i, bend in enumerate(bends):
            column = place.columns[tail] + step * (i + 1)
            near = [abs(height - bend) for at, height in cards if at == column]
            assert min(near, default=CARD) >= CARD / 2 - 1e-6


@given(graphs())
def test_the_same_graph_is_laid_out_the_same_way(
    graph: tuple[int, list[Edge]],
) -> None:
    assert laid_out(graph) == laid_out(graph)


@given(graphs())
def test_without_the_edges_that_run_back_there_is_no_cycle(
    graph: tuple[int, list[Edge]],
) -> None:
    size, edges = graph
    joined = [edge for edge in edges if edge[0] != edge[1]]
    back = cycles.back_edges(size, joined)
    ahead = [edge[::-1] if edge in back else edge for edge in joined]

    order = layering.topological_order(
        cycles.successors(size, ahead),
        cycles.successors(size, [(head, tail) for tail, head in ahead]),
    )

    assert sorted(order) == list(range(size))


@given(acyclic_graphs())
@example((5, [(0, 1), (0, 3), (1, 2), (1, 4), (2, 3)]))
def test_ordering_never_adds_a_crossing(graph: tuple[int, list[Edge]]) -> None:
    columns = ordering.proper(layering.columns(*graph), graph[1])
    ordered = ordering.ordered(columns)

    assert ordering.crossings(ordered) <= ordering.crossings(columns)
    assert [sorted(row) for row in ordered.rows] == [
        sorted(row) for row in columns.rows
    ]


def test_two_chains_that_could_cross_do_not() -> None:
    place = laid_out((6, [(0, 3), (1, 2), (2, 5), (3, 4), (0, 1)]))

    columns = ordering.proper(place.columns, [(0, 3), (1, 2), (2, 5), (3, 4), (0, 1)])
    assert ordering.crossings(ordering.ordered(columns)) == 0


def test_crossings_are_counted_as_they_are_seen() -> None:
    every = [(tail, head) for tail in range(3) for head in range(3, 6)]

    assert ordering.crossings(ordering.proper([0, 0, 0, 1, 1, 1], every)) == 9


def test_a_source_lies_beside_its_first_reader() -> None:
    chain = [(0, 1), (1, 2), (2, 3), (3, 4)]

    place = laid_out((6, [*chain, (5, 4)]))

    assert place.columns[5] == place.columns[3]


def test_a_chain_is_a_straight_line() -> None:
    place = laid_out((50, [(i, i + 1) for i in range(49)]))

    assert place.columns == tuple(range(50))
    assert len(set(place.heights)) == 1


def test_parts_that_nothing_joins_do_not_share_their_room() -> None:
    place = laid_out((8, [(0, 1), (1, 2), (3, 4), (4, 5)]))

    boxes = [(place.columns[part], place.heights[part]) for part in (0, 3, 6, 7)]
    assert len(set(boxes)) == 4


def test_the_longest_edges_of_too_many_are_drawn_straight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("uc4_lineage.page.layout.drawing.MOST_BENDS", 2)

    place = laid_out((5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2), (1, 3), (0, 4)]))

    assert set(place.bends) == {(0, 2), (1, 3)}


def test_a_deep_graph_needs_no_deep_stack() -> None:
    size = 5_000

    place = laid_out((size, [(i, i + 1) for i in range(size - 1)] + [(size - 1, 0)]))

    assert place.back == {(size - 1, 0)}


@given(
    st.lists(
        st.tuples(st.floats(-1e4, 1e4), st.floats(0.1, 10), st.floats(0, 100)),
        min_size=1,
        max_size=30,
    )
)
def test_spreading_keeps_order_and_distances_and_moves_no_mean(
    items: list[tuple[float, float, float]],
) -> None:
    wanted, weights, room = ([one[i] for one in items] for i in range(3))
    distances = room[1:]

    found = placement.spread(wanted, weights, distances)

    for (above, below), distance in zip(pairwise(found), distances, strict=True):
        assert below - above >= distance - 1e-6
    moved = sum(w * (f - a) for f, a, w in zip(found, wanted, weights, strict=True))
    assert moved == pytest.approx(0, abs=1e-3)


@given(st.lists(st.tuples(st.integers(1, 6), st.floats(10, 500)), max_size=20))
def test_packed_boxes_do_not_overlap(sizes: list[tuple[int, float]]) -> None:
    boxes = [packing.Box(*size) for size in sizes]

    places = packing.packed(boxes, WIDTH, GAP)

    cells = [
        (column, top, top + box.height)
        for box, (first, top) in zip(boxes, places, strict=True)
        for column in range(first, first + box.columns)
    ]
    for i, (column, top, bottom) in enumerate(cells):
        for other, above, below in cells[:i]:
            assert column != other or top >= below or above >= bottom
