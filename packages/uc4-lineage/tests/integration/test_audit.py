"""An audit of a real store: what it knows of runs and datasets."""

import json
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.orchestration.deployments.history import EndedRun
from mlops_common.testing.shared import shared
from uc4_lineage.answers import plain
from uc4_lineage.audit import audit, datasets, loose_ends, runs
from uc4_lineage.coverage import Coverage, Part, Period, RunFacts
from uc4_lineage.questions import gaps
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import JOBS, dataset, job_event, minute, run_event

OWNER = {"ownership": {"owners": [{"name": "team:churn"}]}}
DAY = 24 * 60  # minutes
PERIOD = Period.ending(minute(DAY), 24)


def number(run: str) -> UUID:
    return uuid5(NAMESPACE_URL, run)


def ended(run: str, state: str = "Completed") -> EndedRun:
    return EndedRun(number(run), run, "UC9: Bread", "bread-daily", state, minute(60))


def step_of(run: str) -> dict[str, Any]:
    parent = {"run": {"runId": str(number(run))}}
    return {"parent": {**parent, "job": {"namespace": JOBS, "name": "bread"}}}


def audited(reader: Reader, *found: EndedRun) -> Coverage:
    orphans, stale = gaps.orphans(reader), gaps.stale(reader, 1, PERIOD.end)
    return audit(reader, PERIOD, found, loose_ends(plain(orphans), plain(stale)))


def test_of_an_empty_store_nothing_is_missing(reader: Reader) -> None:
    found = audited(reader)

    assert found.complete
    assert (found.schemas, found.owners) == (Part(having=0, all=0),) * 2


def test_a_run_has_the_datasets_of_its_steps(
    store: LineageStore, reader: Reader
) -> None:
    events = [
        run_event("bread", run="whole"),
        run_event("bread.bake", ["flour"], ["loaf"], facets=step_of("whole")),
        run_event("bread.cut", ["loaf"], ["slices"], at=1, facets=step_of("whole")),
    ]
    store.ingest(events)

    found = runs(reader, [str(number("whole"))])

    assert found == {str(number("whole")): RunFacts("COMPLETED", 3)}


def test_runs_that_tell_too_little_are_gaps(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest(
        [
            run_event("bread", run="whole", writes=["loaf"]),
            run_event("bread", run="bare", at=1),
            run_event("bread", run="lost", state="START", at=2, writes=["loaf"]),
            run_event("bread", run="failed", state="FAIL", at=3),
            # Only a step tells of it.
            run_event("bread.bake", ["flour"], at=4, facets=step_of("unknown")),
        ]
    )
    names = ("whole", "bare", "lost", "failed", "unknown", "silent")

    found = audited(reader, *(ended(name) for name in names))

    assert {run.name: run.lineage for run in found.runs} == {
        "whole": "whole",
        "bare": "no dataset",
        "lost": "no end",
        "failed": "whole",
        "unknown": "no event",
        "silent": "no event",
    }


def test_a_dataset_needs_columns_and_an_owner(
    store: LineageStore, reader: Reader
) -> None:
    whole = dataset("whole", {"id": "int"}, facets=OWNER)
    empty = dataset("empty", {}, facets={"ownership": {"owners": []}})
    store.ingest([run_event("bake", [whole, "bare"], [empty])])

    found = audited(reader)

    assert found.schemas == found.owners == Part(having=1, all=3)
    assert found.without_schema == found.without_owner
    assert [name.rpartition(":")[2] for name in found.without_schema] == [
        "bare",
        "empty",
    ]


def test_what_was_told_before_holds_until_it_is_taken_back(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest([run_event("bake", [dataset("a", {"id": "int"}, facets=OWNER)])])
    store.ingest([run_event("bake", ["a"], at=1)])
    (before,) = datasets(reader)
    gone = dataset("a", facets={"ownership": {"_deleted": True}})
    store.ingest([run_event("bake", [gone], at=2)])

    (after,) = datasets(reader)

    assert (before.described, before.owned) == (True, True)
    assert (after.described, after.owned) == (True, False)


def test_a_hidden_dataset_needs_nothing(store: LineageStore, reader: Reader) -> None:
    store.ingest([run_event("bake", ["a"])])
    with store.connect() as connection:
        connection.execute("UPDATE lineage.datasets SET hidden = true")

    assert datasets(reader) == []


def test_loose_ends_are_told_and_are_no_gaps(
    store: LineageStore, reader: Reader
) -> None:
    told = {name: dataset(name, {"id": "int"}, facets=OWNER) for name in "abc"}
    store.ingest(
        [
            run_event("first", [told["a"]], [told["b"]], at=-2 * DAY),
            run_event("second", [told["b"]], [told["c"]], at=DAY - 1),
            run_event("third", state="START", at=-DAY),
        ]
    )

    found = audited(reader)

    assert found.complete
    assert found.loose.never_written == ("dataset:postgres://db:5432:a",)
    assert found.loose.never_read == ("dataset:postgres://db:5432:c",)
    assert found.loose.stale == ("dataset:postgres://db:5432:b, for 3 days",)
    (unended,) = found.loose.unended
    assert unended.startswith("job:etl:third, run ")


def test_no_name_can_move_the_cursor_of_a_terminal(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest([run_event("bake\x1b[2J", ["a\x1b[2J'; DROP TABLE x"])])

    (found,) = datasets(reader)

    assert found.name.isprintable()


def test_a_design_without_runs_is_no_run(store: LineageStore, reader: Reader) -> None:
    store.ingest([job_event("bake", ["a"], ["b"])])

    found = audited(reader)

    assert found.runs == ()
    assert found.schemas.all == 2


@pytest.fixture
def food_delivery() -> list[Any]:
    file = shared("data/lineage/marquez_food_delivery/metadata.json")
    events: list[Any] = json.loads(file.read_text("utf-8"))
    return events


def test_the_sample_of_marquez_has_columns_and_no_owners(
    store: LineageStore, reader: Reader, food_delivery: list[Any]
) -> None:
    store.ingest(food_delivery)
    known = {event["run"]["runId"]: event["job"]["name"] for event in food_delivery}
    asked = [
        EndedRun(UUID(run), job, job, "", "Completed", PERIOD.end)
        for run, job in known.items()
    ]

    found = audited(reader, *asked)

    assert found.traced == Part(having=13, all=13)
    assert found.schemas == Part(having=13, all=13)
    assert found.owners == Part(having=0, all=13)
    assert len(found.loose.stale) > 0
    assert PERIOD.end - PERIOD.start == timedelta(hours=24)
