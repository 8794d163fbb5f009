"""What there was at a time, held against a store of that time."""

import random
from typing import Any

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.node import Node
from uc4_lineage.questions.history import Retyped, State, as_of, diff
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import DATA, JOBS, dataset, job_event, minute, run_event
from uc4_lineage.testing.past import reading_past

LATER = 1_000_000
STATES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT")


def column(name: str, field: str) -> Node:
    return Node.of_field(DATA, name, field)


def random_events(seed: int) -> list[dict[str, Any]]:
    """Events of few jobs, runs and datasets, so that they meet often."""
    chance = random.Random(seed)  # noqa: S311 - a test, not a secret
    names = [f"d{n}" for n in range(5)]

    def some() -> list[str]:
        return chance.sample(names, chance.randrange(3))

    def one(at: int) -> dict[str, Any]:
        job = f"j{chance.randrange(3)}"
        if chance.random() < 0.15:
            return job_event(job, some(), some(), at=at)
        run = f"{job} {chance.randrange(4)}"
        state = chance.choice(STATES)
        return run_event(job, some(), some(), at=at, state=state, run=run)

    times = [chance.randrange(20) for _ in range(25)]
    return [one(at) for at in times]


def told(state: State) -> tuple[Any, ...]:
    return state.jobs, state.datasets, state.edges


@pytest.mark.parametrize("seed", range(12))
def test_the_past_is_what_the_events_of_the_past_tell(
    store: LineageStore, reader: Reader, postgres: Postgres, empty: str, seed: int
) -> None:
    events = random_events(seed)
    store.ingest(events)
    for at in (5, 12, 20):
        with reading_past(postgres, empty, events, minute(at)) as then:
            expected = as_of(then, None)

        found = as_of(reader, minute(at))

        assert told(found) == told(expected)
        assert not any(vars_of(diff(reader, minute(at), minute(at))))


def vars_of(answer: Any) -> list[Any]:
    return [getattr(answer, name) for name in answer.__slots__]


def test_a_run_still_going_on_had_told_what_its_events_had(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest(
        [
            run_event("load", ["a"], at=0, state="START", run="1"),
            run_event("load", ["a"], ["b"], at=9, state="COMPLETE", run="1"),
        ]
    )

    before, after = as_of(reader, minute(5)), as_of(reader, minute(9))

    read = (Node.dataset(DATA, "a"), Node.job(JOBS, "load"))
    assert before.edges == (read,)
    assert len(after.edges) == 2


def test_before_the_first_event_there_was_nothing(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest([run_event("load", ["a"], ["b"])])

    found = as_of(reader, minute(-1))

    assert told(found) == ((), (), ())


def test_a_failed_run_changes_nothing_of_what_a_completed_one_told(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest(
        [
            run_event("load", ["a"], ["b"], at=0),
            run_event("load", ["c"], ["b"], at=5, state="FAIL"),
        ]
    )

    assert as_of(reader, minute(9)).edges == as_of(reader, minute(0)).edges


def test_a_diff_names_what_came_and_went(store: LineageStore, reader: Reader) -> None:
    first = dataset("a", {"id": "int", "old": "text", "price": "int"})
    second = dataset("a", {"id": "int", "new": "text", "price": "numeric"})
    store.ingest(
        [
            run_event("load", [first], ["b"], at=0),
            run_event("load", [second, "c"], [dataset("d", {"x": "int"})], at=10),
            run_event("other", [], [], at=10),
        ]
    )

    found = diff(reader, minute(0), minute(10))

    job = Node.job(JOBS, "load")
    a, b, c, d = (Node.dataset(DATA, name) for name in "abcd")
    assert found.jobs_added == (Node.job(JOBS, "other"),)
    assert found.datasets_added == (c, d)
    assert found.edges_added == ((c, job), (job, d))
    assert found.edges_removed == ((job, b),)
    assert found.columns_added == (column("a", "new"), column("d", "x"))
    assert found.columns_removed == (column("a", "old"),)
    assert found.columns_retyped == (Retyped(column("a", "price"), "int", "numeric"),)
    assert not found.jobs_removed
    assert not found.datasets_removed
    assert (a, job) not in found.edges_added


def test_a_diff_backwards_is_the_diff_turned(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest(random_events(99))

    there = diff(reader, minute(3), minute(15))
    back = diff(reader, minute(15), minute(3))

    assert (there.jobs_added, there.edges_added) == (
        back.jobs_removed,
        back.edges_removed,
    )
    assert (there.datasets_removed, there.columns_added) == (
        *(back.datasets_added, back.columns_removed),
    )


def test_columns_of_an_output_have_a_past_too(
    store: LineageStore, reader: Reader
) -> None:
    for at, columns in enumerate(
        ({"x": "int"}, {"x": "int", "y": "int"}, {"y": "int"})
    ):
        store.ingest([run_event("load", [], [dataset("out", columns)], at=at * 10)])

    found = [diff(reader, minute(n), minute(n + 10)) for n in (0, 10)]

    assert [one.columns_added for one in found] == [(column("out", "y"),), ()]
    assert [one.columns_removed for one in found] == [(), (column("out", "x"),)]


def test_now_is_the_past_of_a_time_to_come(store: LineageStore, reader: Reader) -> None:
    store.ingest(random_events(7))

    assert told(as_of(reader, minute(LATER))) == told(as_of(reader, None))
