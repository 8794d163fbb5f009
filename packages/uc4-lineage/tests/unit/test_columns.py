import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from uc4_lineage.columns import ColumnGraph, Level, Origin, Place
from uc4_lineage.graph import Direction
from uc4_lineage.reading import Snapshot

SOURCE, STAGED, FEATURES, MODEL, REPORT = 1, 2, 3, 4, 5
COPY, DERIVE, TRAIN, COUNT = -1, -2, -3, -4
EDGES = [
    (COPY, SOURCE, False),
    (COPY, STAGED, True),
    (DERIVE, STAGED, False),
    (DERIVE, FEATURES, True),
    (TRAIN, FEATURES, False),
    (TRAIN, MODEL, True),
    (COUNT, STAGED, False),
    (COUNT, REPORT, True),
]
ORIGINS = [
    Origin(COPY, STAGED, "age", SOURCE, "age"),
    Origin(COPY, STAGED, "price", SOURCE, "price"),
    Origin(DERIVE, FEATURES, "spend", STAGED, "price"),
    Origin(COUNT, REPORT, "", STAGED, "age", "INDIRECT", "FILTER"),
    Origin(COUNT, REPORT, "rows", STAGED, "price"),
]


def snapshot(edges: list[tuple[int, int, bool]]) -> Snapshot:
    jobs, datasets, writes = (np.array(part) for part in zip(*edges, strict=True))
    return Snapshot.of(-jobs, datasets, writes)


def walked(
    start: Place, direction: Direction, depth: int | None = None
) -> dict[Place, Level]:
    graph = ColumnGraph(snapshot(EDGES), ORIGINS)
    met = graph.walk(start, direction, depth)
    assert met[0].place == start
    return {one.place: one.level for one in met[1:]}


def test_only_what_is_made_from_a_column_depends_on_it() -> None:
    down = walked(Place(SOURCE, "age"), Direction.DOWN)

    assert down == {
        Place(COPY): Level.COLUMN,
        Place(STAGED, "age"): Level.COLUMN,
        Place(COUNT): Level.COLUMN,
        Place(REPORT): Level.COLUMN,
    }


def test_a_job_that_tells_no_origins_makes_all_that_it_writes_depend() -> None:
    down = walked(Place(SOURCE, "price"), Direction.DOWN)

    assert down[Place(FEATURES, "spend")] is Level.COLUMN
    assert down[Place(TRAIN)] is Level.TABLE
    assert down[Place(MODEL)] is Level.TABLE


def test_an_origin_of_all_columns_counts_for_each() -> None:
    up = walked(Place(REPORT, "rows"), Direction.UP)

    assert Place(STAGED, "age") in up
    assert Place(STAGED, "price") in up


def test_upward_a_job_that_tells_no_origins_makes_all_that_it_reads_count() -> None:
    up = walked(Place(MODEL, "weight"), Direction.UP)

    assert up[Place(TRAIN)] is Level.TABLE
    assert up[Place(FEATURES)] is Level.TABLE
    assert up[Place(STAGED, "price")] is Level.TABLE
    assert Place(STAGED, "age") not in up


def test_depth_counts_jobs_as_between_datasets() -> None:
    assert walked(Place(SOURCE, "age"), Direction.DOWN, 1) == {
        Place(COPY): Level.COLUMN
    }
    assert Place(STAGED, "age") in walked(Place(SOURCE, "age"), Direction.DOWN, 2)


def test_a_path_leads_from_column_to_column_and_through_a_filter() -> None:
    graph = ColumnGraph(snapshot(EDGES), ORIGINS)

    direct = graph.path(Place(SOURCE, "price"), Place(FEATURES, "spend"))
    filtered = graph.path(Place(SOURCE, "age"), Place(REPORT, "rows"))

    assert direct[1] == Place(STAGED, "price")
    assert filtered == [
        Place(SOURCE, "age"),
        Place(STAGED, "age"),
        Place(REPORT, "rows"),
    ]
    assert graph.path(Place(SOURCE, "age"), Place(FEATURES, "spend")) == []


FIELDS = st.sampled_from(["a", "b", "c"])
DATASETS = st.integers(1, 4)


@given(st.lists(st.tuples(DATASETS, FIELDS, DATASETS, FIELDS), min_size=1, max_size=20))
def test_where_all_origins_are_told_both_directions_agree(
    rows: list[tuple[int, str, int, str]],
) -> None:
    origins = [Origin(-job - 1, *output_input) for job, output_input in enumerate(rows)]
    edges = [(one.job, one.input, False) for one in origins]
    edges += [(one.job, one.output, True) for one in origins]
    graph = ColumnGraph(snapshot(edges), origins)
    places = {Place(key, field) for key in range(1, 5) for field in "abc"}

    def fields(start: Place, direction: Direction) -> set[Place]:
        met = graph.walk(start, direction)
        assert all(one.level is Level.COLUMN for one in met)
        return {one.place for one in met} & places

    down = {start: fields(start, Direction.DOWN) for start in places}
    up = {start: fields(start, Direction.UP) for start in places}
    assert {(a, b) for a in places for b in down[a]} == {
        (a, b) for b in places for a in up[b]
    }
    paths = {(a, b) for a in places for b in places if graph.path(a, b)}
    assert paths == {(a, b) for a in places for b in down[a]}
