"""What would have broken at a time, held against a store of that time."""

import random
from typing import Any

import pytest

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.columns import Level
from uc4_lineage.dataset_facets import columns_at
from uc4_lineage.node import Node
from uc4_lineage.questions.impact import Affected, Role, impact
from uc4_lineage.reading import LAST, Reader
from uc4_lineage.testing.events import DATA, dataset, job_event, minute, run_event
from uc4_lineage.testing.past import reading_past

NAMES = [f"d{number}" for number in range(4)]
ALIAS = {"identifiers": [{"namespace": "s3://b", "name": "d0", "type": "TABLE"}]}
STARTS = [*NAMES, *(f"{name}.{field}" for name in NAMES for field in "xyz")]


def random_dataset(chance: random.Random, *, written: bool) -> dict[str, Any]:
    """A dataset, with what one event happens to tell of it."""
    name = chance.choice(NAMES)
    facets: dict[str, Any] = {}
    if chance.random() < 0.6:
        kind = {"datasetType": chance.choice(["MODEL", "FILE", "TOPIC"])}
        facets["datasetType"] = kind if chance.random() < 0.8 else {"_deleted": True}
    types = {f: chance.choice(["int", "text"]) for f in chance.sample("xyz", 2)}
    origins = {f: [f"{chance.choice(NAMES)}.{chance.choice('xyz')}"] for f in types}
    return dataset(
        name,
        types if chance.random() < 0.6 else None,
        origins if written and chance.random() < 0.6 else None,
        namespace="s3://b" if name == "d0" and chance.random() < 0.5 else DATA,
        facets=facets,
    )


def random_events(seed: int) -> list[dict[str, Any]]:
    """Events of few jobs, whose runs last, and of datasets by themselves."""
    chance = random.Random(seed)  # noqa: S311 - a test, not a secret
    named = dataset("d0", facets={"symlinks": ALIAS})
    events = [run_event("name", [named])]
    for number in range(24):
        job, start = f"j{chance.randrange(3)}", chance.randrange(20)
        reads = [random_dataset(chance, written=False)]
        writes = [random_dataset(chance, written=True)]
        design = job_event(job, reads, writes, at=start)
        kind = chance.random()
        if kind < 0.15:
            events.append(design)
        elif kind < 0.3:
            events.append(
                {key: design[key] for key in ("eventTime", "producer", "schemaURL")}
                | {"dataset": writes[0]}
            )
        else:
            for state, at in (("START", start), ("COMPLETE", start + 4)):
                run = f"{job} {number}"
                told = run_event(job, reads, writes, at=at, state=state, run=run)
                events.append(told)
                reads = [random_dataset(chance, written=False), *reads[:1]]
                writes = [random_dataset(chance, written=True), *writes[:1]]
    return events


def broken(reader: Reader, start: str, at: Any = None) -> tuple[Affected, ...]:
    """Return what breaks; nothing where nobody knows what is to change."""
    try:
        return impact(reader, start, at=at).affected
    except NotFoundError:
        return ()


def columns(reader: Reader, at: Any) -> dict[tuple[Node, str], str]:
    told = columns_at(reader, at)
    nodes = reader.nodes(key for key, _ in told)
    fields = (field for _, field in told)
    return dict(zip(zip(nodes, fields, strict=True), told.values(), strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_what_breaks_and_the_columns_are_what_the_events_of_the_past_tell(
    store: LineageStore, reader: Reader, postgres: Postgres, empty: str, seed: int
) -> None:
    events = random_events(seed)
    assert not store.ingest(events).refused
    for at in (6, 14):
        with reading_past(postgres, empty, events, minute(at)) as then:
            expected = {start: broken(then, start) for start in STARTS}
            schemas = columns(then, LAST)

        found = {start: broken(reader, start, minute(at)) for start in STARTS}

        assert found == expected
        assert any(found.values())
        assert columns(reader, minute(at)) == schemas
        assert schemas


def test_now_is_the_past_of_a_time_to_come(store: LineageStore, reader: Reader) -> None:
    store.ingest(random_events(7))

    now = {start: broken(reader, start) for start in STARTS}

    assert any(now.values())
    assert {start: broken(reader, start, LAST) for start in STARTS} == now


def test_a_dataset_is_what_it_was_then(store: LineageStore, reader: Reader) -> None:
    for at, kind in ((0, "FILE"), (10, "TABLE")):
        made = dataset("made", facets={"datasetType": {"datasetType": kind}})
        store.ingest([run_event("make", ["source"], [made], at=at)])

    found = impact(reader, "source", depth=2, at=minute(5))

    assert [one.role for one in found.affected] == [Role.FILE, Role.JOB]
    assert found.at == minute(5)
    assert impact(reader, "source").affected[0].role is Role.TABLE


def test_a_column_breaks_what_was_made_from_it_then(
    store: LineageStore, reader: Reader
) -> None:
    for at, origin in ((0, "price"), (10, "net")):
        read = dataset("orders", {origin: "int"})
        made = dataset("sums", {"total": "int"}, {"total": [f"orders.{origin}"]})
        store.ingest([run_event("sum", [read], [made], at=at)])

    then = impact(reader, "orders.price", at=minute(5)).affected

    assert [one.node.field or one.node.name for one in then] == ["total", "sum"]
    assert {one.level for one in then} == {Level.COLUMN}
    assert impact(reader, "orders.price", at=minute(15)).affected == ()
