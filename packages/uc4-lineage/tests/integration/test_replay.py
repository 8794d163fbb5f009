"""Events of a file, and graphs as large as a company's."""

import json
import random
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import pytest

from mlops_common.errors import ContractError
from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.shared import shared
from uc4_lineage.graph import Direction
from uc4_lineage.node import Node
from uc4_lineage.questions.closure import closure, path
from uc4_lineage.questions.history import State, as_of
from uc4_lineage.questions.origins import column_graph
from uc4_lineage.questions.replay import Replayed, replay
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import DATA, JOBS, dataset, run_event

JOBS_OF_MANY, DATASETS_OF_MANY = 1_000, 1_000


@pytest.fixture
def food_delivery() -> Path:
    """The events that Marquez shows itself with."""
    return shared("data/lineage/marquez_food_delivery/metadata.json")


def replayed(postgres: Postgres, database: str, file: Path) -> Replayed:
    store = LineageStore(postgres, database)
    try:
        with store.connect() as connection:
            return replay(store, Reader(connection), file)
    finally:
        store.close()


def test_marquez_own_events_make_its_13_jobs_and_13_datasets(
    store: LineageStore, reader: Reader, food_delivery: Path
) -> None:
    found = replay(store, reader, food_delivery)

    assert (found.events, found.stored, found.refused) == (26, 26, ())
    assert (found.jobs, found.datasets) == (13, 13)


def test_a_file_gives_the_same_graph_twice_in_any_order_and_form(
    postgres: Postgres, database: str, food_delivery: Path, tmp_path: Path
) -> None:
    events = json.loads(food_delivery.read_text("utf-8"))
    random.Random(4).shuffle(events)  # noqa: S311 - an order, not a secret
    lines = tmp_path / "events.jsonl"
    lines.write_text("\n".join(map(json.dumps, events)), "utf-8")

    first = replayed(postgres, database, food_delivery)
    again = replayed(postgres, database, food_delivery)
    other = replayed(postgres, f"{database}_other", lines)

    assert first.digest == again.digest == other.digest
    assert (again.stored, again.duplicates) == (0, 26)
    assert other.stored == 26


def told(postgres: Postgres, database: str) -> tuple[State, set[tuple[Any, ...]]]:
    """Return the graph of a store, and the origins of its columns, by names."""
    store = LineageStore(postgres, database)
    with store.connect() as connection:
        reader = Reader(connection)
        origins = {
            (*reader.nodes([one.job, one.output, one.input]), *one[2:3], *one[4:])
            for one in column_graph(reader).origins
        }
        return as_of(reader, None), origins


def test_a_replayed_file_tells_the_same_edges_and_columns(
    postgres: Postgres, database: str, food_delivery: Path, tmp_path: Path
) -> None:
    events = json.loads(food_delivery.read_text("utf-8"))
    made = dataset("made", {"id": "int"}, {"id": ["raw.key"]})
    events.append(run_event("copy", [dataset("raw", {"key": "int"})], [made]))
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    first.write_text(json.dumps(events), "utf-8")
    again.write_text(json.dumps(events[::-1] * 2), "utf-8")

    replayed(postgres, database, first)
    before = told(postgres, database)
    replayed(postgres, database, first)
    replayed(postgres, f"{database}_again", again)

    assert before == told(postgres, database) == told(postgres, f"{database}_again")
    assert len(before[0].edges) > 26
    assert ("id", "key") in {origin[3:5] for origin in before[1]}


def test_another_graph_has_another_digest(
    store: LineageStore, reader: Reader, tmp_path: Path
) -> None:
    file = tmp_path / "events.json"
    digests: list[str] = []
    for reads, writes in (["x"], ["y"]), (["x", "z"], ["y"]), (["x"], ["y", "z"]):
        at = len(digests)
        file.write_text(json.dumps(run_event("job", reads, writes, at=at)), "utf-8")
        digests.append(replay(store, reader, file).digest)

    assert len(set(digests)) == 3


@pytest.mark.parametrize("form", ["array", "lines"])
def test_one_event_that_is_no_json_keeps_no_other_out(
    store: LineageStore, reader: Reader, tmp_path: Path, form: str
) -> None:
    good = json.dumps(run_event("a", ["x"], ["y"]))
    half = json.dumps(run_event("b", ["y"], ["z"])).replace('"z"', r'"z \udfff"')
    wrong = json.dumps(run_event("c", facets={"f": {"v": float("nan")}}))
    file = tmp_path / "events.json"
    parts = [good, wrong, half]
    text = "[" + ", ".join(parts) + "]" if form == "array" else "\n\n".join(parts)
    file.write_text(text, "utf-8")

    found = replay(store, reader, file)

    assert (found.events, found.stored, found.jobs, found.datasets) == (3, 2, 2, 3)
    (refused,) = found.refused
    assert refused.startswith("event 2: $")
    assert "NaN" in refused


@pytest.mark.parametrize("text", ["[{}, ", "[{}] {}", '{"a":\n1}', "no JSON"])
def test_a_file_without_events_is_told(
    store: LineageStore, reader: Reader, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "events.json"
    file.write_text(text, "utf-8")

    with pytest.raises(ContractError, match="holds no events"):
        replay(store, reader, file)


def many() -> list[dict[str, Any]]:
    """Runs of a thousand jobs over a thousand datasets, with cycles."""
    chance = random.Random(2)  # noqa: S311 - a graph, not a secret
    names = [f"d{n}" for n in range(DATASETS_OF_MANY)]
    return [
        run_event(f"j{n}", chance.sample(names, 2), chance.sample(names, 1))
        for n in range(JOBS_OF_MANY)
    ]


def distances(events: list[dict[str, Any]], start: Node) -> dict[Node, int]:
    """The distance of all that lies down from a node, by the plainest search."""
    beyond = defaultdict(set)
    for event in events:
        job = Node.job(JOBS, event["job"]["name"])
        for one in event["inputs"]:
            beyond[Node.dataset(DATA, one["name"])].add(job)
        beyond[job] |= {Node.dataset(DATA, one["name"]) for one in event["outputs"]}
    found, queue = {start: 0}, deque([start])
    while queue:
        node = queue.popleft()
        for other in beyond[node] - found.keys():
            found[other] = found[node] + 1
            queue.append(other)
    return found


def test_a_graph_of_2000_nodes_is_walked_as_a_plain_search_does(
    store: LineageStore, reader: Reader
) -> None:
    events = many()
    store.ingest(events)
    start = Node.dataset(DATA, "d0")

    found = closure(reader, start.id, Direction.DOWN)

    expected = distances(events, start)
    assert {one.node: one.distance for one in found.reached} | {start: 0} == expected
    assert len(expected) > 1_000
    farthest = found.reached[-1]
    way = path(reader, start.id, farthest.node.id)
    assert len(way) == farthest.distance + 1
    assert len(as_of(reader, None).jobs) == JOBS_OF_MANY
