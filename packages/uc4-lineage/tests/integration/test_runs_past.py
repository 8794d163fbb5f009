"""How runs stood and what was at loose ends at a time, held against a store of then."""

import random
from typing import Any

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.questions.gaps import Orphans, orphans
from uc4_lineage.questions.runs import Run, State, runs
from uc4_lineage.reading import LAST, Reader
from uc4_lineage.testing.events import job_event, minute, run_event
from uc4_lineage.testing.past import reading_past

NAMES = [f"d{number}" for number in range(8)]
MOST = 1_000
Answers = tuple[tuple[Run, ...], tuple[Run, ...], Orphans]


def random_events(seed: int) -> list[dict[str, Any]]:
    """Events of runs that last, in any order, some of which fail or never end."""
    chance = random.Random(seed)  # noqa: S311 - a test, not a secret
    events = []
    for number in range(12):
        job, start = f"j{chance.randrange(4)}", chance.randrange(20)
        reads, writes = chance.sample(NAMES[:5], 1), chance.sample(NAMES[3:], 1)
        if chance.random() < 0.2:
            events.append(job_event(job, reads, writes, at=start))
            continue
        states = ["START", "RUNNING", chance.choice(["COMPLETE", "FAIL", "ABORT"])]
        error = {"errorMessage": {"message": "no", "programmingLanguage": "python"}}
        for step, state in enumerate(chance.sample(states, chance.randrange(1, 4))):
            told = reads if chance.random() < 0.7 else []
            facets = error if state == "FAIL" else {}
            at = start + 4 * step
            run = f"{job} {number}"
            one = run_event(
                job, told, writes, at=at, state=state, run=run, facets=facets
            )
            events.append(one)
    return events


def answers(reader: Reader, at: Any = None) -> Answers:
    running = runs(reader, state=State.RUNNING, since=minute(3), limit=MOST, at=at)
    return runs(reader, limit=MOST, at=at), running, orphans(reader, at)


@pytest.mark.parametrize("seed", range(8))
def test_runs_and_loose_ends_are_what_the_events_of_the_past_tell(
    store: LineageStore, reader: Reader, postgres: Postgres, empty: str, seed: int
) -> None:
    events = random_events(seed)
    assert not store.ingest(events).refused
    for at in (6, 14):
        with reading_past(postgres, empty, events, minute(at)) as then:
            expected = answers(then)

        assert answers(reader, minute(at)) == expected
        assert expected[0]


def test_now_is_the_past_of_a_time_to_come(store: LineageStore, reader: Reader) -> None:
    store.ingest(random_events(7))

    assert answers(reader, LAST) == answers(reader)


def test_a_run_that_failed_later_was_running_then(
    store: LineageStore, reader: Reader
) -> None:
    for at, state in ((0, "START"), (9, "FAIL")):
        store.ingest([run_event("load", ["a"], ["b"], at=at, state=state, run="1")])

    (then,) = runs(reader, at=minute(5))

    assert (then.state, then.ended_at) == (State.RUNNING, None)
    assert runs(reader, state=State.FAILED, at=minute(5)) == ()
    assert runs(reader, at=minute(-1)) == ()


def test_what_is_read_later_was_read_by_nobody_then(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest([run_event("make", ["raw"], ["made"])])
    store.ingest([run_event("use", ["made"], ["used"], at=9)])

    then, now = orphans(reader, minute(5)), orphans(reader)

    assert [one.name for one in then.never_read] == ["made"]
    assert [one.name for one in now.never_read] == ["used"]
