"""Where columns came from at a time, held against a store of that time."""

import random
from typing import Any

import pytest

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.columns import Origin
from uc4_lineage.graph import Direction
from uc4_lineage.page.around import around
from uc4_lineage.page.content import PageContent
from uc4_lineage.questions.closure import closure, path
from uc4_lineage.questions.origins import column_graph
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import dataset, job_event, minute, run_event
from uc4_lineage.testing.past import reading_past

LATER = 1_000_000
NAMES = [f"d{number}" for number in range(4)]


def random_events(seed: int) -> list[dict[str, Any]]:
    """Events of few jobs and datasets, whose runs last and tell what they will."""
    chance = random.Random(seed)  # noqa: S311 - a test, not a secret

    def output() -> dict[str, Any]:
        if chance.random() < 0.3:
            return dataset(chance.choice(NAMES))
        origins = {
            field: [f"{chance.choice(NAMES)}.{chance.choice('xyz')}"]
            for field in chance.sample("xyz", chance.randrange(1, 3))
        }
        return dataset(chance.choice(NAMES), {"x": "int"}, origins)

    events = []
    for number in range(25):
        job, start = f"j{chance.randrange(3)}", chance.randrange(20)
        made = [output()]
        if chance.random() < 0.2:
            events.append(job_event(job, NAMES[:1], made, at=start))
            continue
        ends = start, start + chance.randrange(1, 8)
        for at, state in zip(ends, ("START", "COMPLETE"), strict=True):
            run = f"{job} {number}"
            told = made if state == "COMPLETE" or chance.random() < 0.5 else []
            events.append(run_event(job, NAMES[:1], told, at=at, state=state, run=run))
    return events


def named(reader: Reader, origins: tuple[Origin, ...]) -> set[tuple[Any, ...]]:
    """Return origins by names, which two stores share."""
    return {
        (
            *reader.nodes([one.job, one.output, one.input]),
            *(one.output_field, one.input_field, one.type, one.subtype),
        )
        for one in origins
    }


@pytest.mark.parametrize("seed", range(12))
def test_columns_came_from_what_the_events_of_the_past_tell(
    store: LineageStore, reader: Reader, postgres: Postgres, empty: str, seed: int
) -> None:
    events = random_events(seed)
    store.ingest(events)
    for at in (4, 10, 16):
        with reading_past(postgres, empty, events, minute(at)) as then:
            expected = named(then, column_graph(then).origins)

        found = named(reader, column_graph(reader, minute(at)).origins)

        assert found == expected


def test_now_is_the_past_of_a_time_to_come(store: LineageStore, reader: Reader) -> None:
    store.ingest(random_events(7))

    now = set(column_graph(reader).origins)

    assert now
    assert set(column_graph(reader, minute(LATER)).origins) == now


@pytest.fixture
def moved(store: LineageStore, reader: Reader) -> Reader:
    """A job that made `total` of `price`, and later of `net`, when `price` was gone."""
    old = dataset("orders", {"price": "int"})
    new = dataset("orders", {"net": "int"})
    store.ingest(
        [
            run_event("sum", [old], [dataset("sums", {}, {"total": ["orders.price"]})]),
            run_event(
                "sum",
                [new],
                [dataset("sums", {}, {"total": ["orders.net"]})],
                at=10,
            ),
        ]
    )
    return reader


@pytest.mark.parametrize(("at", "origin"), [(5, "price"), (15, "net")])
def test_a_column_leads_up_to_what_it_was_made_from_then(
    moved: Reader, at: int, origin: str
) -> None:
    found = closure(moved, "sums.total", Direction.UP, at=minute(at))

    assert [one.node.field or one.node.name for one in found.reached] == ["sum", origin]


def test_a_column_that_is_gone_leads_down_to_what_was_made_from_it(
    moved: Reader,
) -> None:
    found = closure(moved, "orders.price", Direction.DOWN, at=minute(5))

    assert [one.node.field for one in found.reached] == ["", "total"]


def test_a_column_that_only_an_old_schema_has_is_known_then_and_not_now(
    store: LineageStore, reader: Reader
) -> None:
    for at, columns in ((0, {"old": "int"}), (10, {"new": "int"})):
        store.ingest([run_event("load", [], [dataset("orders", columns)], at=at)])

    found = closure(reader, "orders.old", Direction.UP, at=minute(5))

    assert found.start.field == "old"
    with pytest.raises(NotFoundError, match="has no column 'old'"):
        closure(reader, "orders.old", Direction.UP)


def test_a_way_between_columns_is_that_of_then(moved: Reader) -> None:
    then = path(moved, "orders.price", "sums.total", at=minute(5))

    assert [one.field for one in then] == ["price", "total"]
    with pytest.raises(NotFoundError, match="no data flows"):
        path(moved, "orders.price", "sums.total", at=minute(15))


def test_a_page_of_the_past_shows_where_columns_came_from_then(moved: Reader) -> None:
    def shown(content: PageContent) -> set[tuple[str, str]]:
        return {(one.input_field, one.output_field) for one in content.column_edges}

    assert shown(around(moved, "sums", at=minute(5))) == {("price", "total")}
    assert shown(around(moved, "sums.total")) == {("net", "total")}


def test_a_column_of_another_name_of_its_dataset_has_a_past(
    store: LineageStore, reader: Reader
) -> None:
    link = {"identifiers": [{"namespace": "s3://b", "name": "t", "type": "TABLE"}]}
    store.ingest(
        [
            run_event("a", [], [dataset("t", facets={"symlinks": link})], at=0),
            run_event(
                "b",
                [],
                [dataset("t", {}, {"x": ["u.y"]}, namespace="s3://b")],
                at=1,
            ),
            run_event("c", [], [dataset("v", {}, {"z": [("s3://b", "t", "x")]})], at=2),
        ]
    )

    found = path(reader, "u.y", "v.z", at=minute(3))

    assert [one.name for one in found] == ["u", "t", "v"]
