"""What a page takes from the store."""

import json
from typing import Any

import pytest

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from mlops_common.testing.shared import shared
from uc4_lineage.graph import Direction
from uc4_lineage.page.around import around, whole
from uc4_lineage.page.content import ColumnEdge, PageContent, PageNode
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import dataset, job_event, minute, run_event

FIELDS = {"id": "bigint", "price": "numeric"}


def named(content: PageContent, name: str) -> PageNode:
    return next(node for node in content.nodes if node.name == name)


def facts(node: PageNode) -> dict[str, str]:
    return {fact.name: fact.value for fact in node.facts}


def edges(content: PageContent) -> set[tuple[str, str]]:
    names = [node.name for node in content.nodes]
    return {(names[tail], names[head]) for tail, head in content.edges}


def chain(store: LineageStore) -> None:
    """Ingest a -> f -> b -> g -> c."""
    store.ingest(
        [
            run_event("f", ["a"], [dataset("b", FIELDS, {"id": ["a.key"]})], at=1),
            run_event("g", ["b"], [dataset("c", FIELDS, {"price": ["b.id"]})], at=2),
        ]
    )


def test_a_dataset_tells_its_schema_version_owner_and_writer(
    store: LineageStore, reader: Reader
) -> None:
    told: dict[str, Any] = {
        "ownership": {"owners": [{"name": "team:shop"}]},
        "version": {"datasetVersion": "v7"},
        "documentation": {"description": "All orders."},
    }
    store.ingest([run_event("load", [], [dataset("orders", FIELDS, facets=told)])])

    node = named(whole(reader), "orders")

    assert [(one.name, one.type) for one in node.fields] == list(FIELDS.items())
    assert node.description == "All orders."
    assert facts(node)["Owner"] == "team:shop"
    assert facts(node)["Version"] == "v7"
    assert facts(node)["Written"] == "2026-01-01 00:00 UTC"
    assert facts(node)["Written by"] == "load (completed)"
    assert [one.version for one in node.versions] == ["v7"]
    assert {"ownership", "version", "schema"} <= {one.name for one in node.facets}


def test_a_job_tells_its_last_runs_the_newest_first(
    store: LineageStore, reader: Reader
) -> None:
    error = {"errorMessage": {"message": "disk full", "programmingLanguage": "SQL"}}
    store.ingest(
        [
            run_event("load", [], ["orders"], at=0),
            run_event("load", at=10, state="START", run="second"),
            run_event("load", at=12, state="FAIL", run="second", facets=error),
        ]
    )

    node = named(whole(reader), "load")

    assert [run.state for run in node.runs] == ["FAILED", "COMPLETED"]
    assert node.state == "FAILED"
    assert node.runs[0].took == "2 min 0 s"
    assert node.runs[0].error == "disk full"
    assert node.note == "failed 2026-01-01"
    assert "run: errorMessage" in {one.name for one in node.facets}


def test_a_job_that_never_ran_has_no_state(store: LineageStore, reader: Reader) -> None:
    store.ingest([job_event("serve", ["model"], ["answers"])])

    node = named(whole(reader), "serve")

    assert (node.state, node.runs) == ("", ())


def test_columns_are_joined_through_the_job_between_them(
    store: LineageStore, reader: Reader
) -> None:
    chain(store)

    content = whole(reader)

    names = {node.name: i for i, node in enumerate(content.nodes)}
    assert set(content.column_edges) == {
        ColumnEdge(names["a"], "key", names["b"], "id", names["f"], "DIRECT"),
        ColumnEdge(names["b"], "id", names["c"], "price", names["g"], "DIRECT"),
    }


@pytest.mark.parametrize(
    ("node", "directions", "depth", "expected"),
    [
        ("b", (Direction.UP, Direction.DOWN), None, "abcfg"),
        ("b", (Direction.UP,), None, "abf"),
        ("b", (Direction.DOWN,), None, "bcg"),
        ("b", (Direction.UP, Direction.DOWN), 1, "bfg"),
        ("f", (Direction.DOWN,), 1, "bf"),
    ],
)
def test_a_page_of_a_node_shows_what_lies_around_it(
    store: LineageStore,
    reader: Reader,
    node: str,
    directions: tuple[Direction, ...],
    depth: int | None,
    expected: str,
) -> None:
    chain(store)

    content = around(reader, node, directions, depth)

    assert sorted(one.name for one in content.nodes) == list(expected)
    assert content.nodes[content.chosen].name == node
    assert edges(content) <= {("a", "f"), ("f", "b"), ("b", "g"), ("g", "c")}
    assert len(content.edges) == len(content.nodes) - 1


def test_a_page_of_a_column_opens_with_it(store: LineageStore, reader: Reader) -> None:
    chain(store)

    content = around(reader, "b.id")

    assert content.nodes[content.chosen].name == "b"
    assert content.chosen_field == "id"


def test_a_page_of_what_is_unknown_is_refused(
    store: LineageStore, reader: Reader
) -> None:
    chain(store)

    with pytest.raises(NotFoundError, match="gone"):
        around(reader, "gone")


def test_a_page_of_the_past_shows_the_graph_and_the_runs_of_then(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest(
        [
            run_event("f", ["a"], ["b"], at=1),
            run_event("g", ["b"], ["c"], at=5, state="START", run="g"),
            run_event("g", ["b"], ["c"], at=9, run="g"),
            run_event("f", ["x"], ["b"], at=20),
        ]
    )

    content = whole(reader, minute(6))

    assert {("a", "f"), ("f", "b")} <= edges(content)
    assert "x" not in {node.name for node in content.nodes}
    assert named(content, "g").state == "RUNNING"
    assert len(named(content, "f").runs) == 1
    assert "2026-01-01 00:06 UTC" in content.subtitle
    assert content.facts[-1].value.startswith("Facets and schemas are those of now")


def test_a_facet_that_was_deleted_is_not_shown(
    store: LineageStore, reader: Reader
) -> None:
    owned = {"ownership": {"owners": [{"name": "team:shop"}]}}
    gone = {"ownership": {"_deleted": True}}
    store.ingest(
        [
            run_event("load", [], [dataset("orders", facets=owned)], at=1),
            run_event("load", [], [dataset("orders", facets=gone)], at=2),
        ]
    )

    node = named(whole(reader), "orders")

    assert "Owner" not in facts(node)
    assert "ownership" not in {one.name for one in node.facets}


def test_the_sample_of_marquez_has_its_jobs_and_datasets(
    store: LineageStore, reader: Reader
) -> None:
    file = shared("data/lineage/marquez_food_delivery/metadata.json")
    store.ingest(json.loads(file.read_text("utf-8")))

    content = around(reader, "job:food_delivery:etl_delivery_7_days")

    kinds = [node.kind for node in content.nodes]
    assert (kinds.count("table"), kinds.count("job")) == (13, 13)
    assert len(content.edges) == 13 + 14  # written and read
    assert len(content.column_edges) == 38
    assert all(node.fields for node in content.nodes if node.kind == "table")
    assert "food_delivery:food_delivery@" not in repr(content)
    assert "SELECT" in named(content, "etl_delivery_7_days").code
