import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.shared import shared
from mlops_common.testing.stored_lineage import RUN, at, event, rows, table

OTHER_RUN = "182a9eaf-881a-4d49-860c-f7e260b8bf60"


@pytest.fixture
def store(postgres: Postgres, database: str) -> Iterator[LineageStore]:
    store = LineageStore(postgres, database)
    yield store
    store.close()


def edges(store: LineageStore, job: str = "load") -> set[str]:
    query = """
        SELECT job.name, edge.direction::text || ':' || dataset.name
        FROM lineage.edges AS edge
        JOIN lineage.jobs AS job ON job.id = edge.job_id
        JOIN lineage.datasets AS dataset ON dataset.id = edge.dataset_id
    """
    return {edge for name, edge in rows(store, query) if name == job}


def test_the_sample_of_marquez_gives_13_jobs_and_13_datasets(
    store: LineageStore,
) -> None:
    file = shared("data/lineage/marquez_food_delivery/metadata.json")
    told = store.ingest(json.loads(file.read_text("utf-8")))

    assert (told.stored, told.duplicates, told.refused) == (26, 0, ())
    assert rows(store, "SELECT count(*) FROM lineage.jobs") == [13]
    assert rows(store, "SELECT count(*) FROM lineage.datasets WHERE named") == [13]
    assert rows(store, "SELECT DISTINCT state FROM lineage.runs") == ["COMPLETED"]
    assert edges(store, "etl_orders_7_days") == {
        "r:public.menus",
        "r:public.menu_items",
        "r:public.orders",
        "r:public.categories",
        "w:public.orders_7_days",
    }


def test_a_store_of_an_earlier_version_gets_what_it_lacks(
    store: LineageStore, postgres: Postgres, database: str
) -> None:
    store.ingest([event("COMPLETE", 0, outputs=[table("b")])])
    with store.connect() as connection:
        connection.execute("DROP VIEW lineage.event_datasets")
    later = LineageStore(postgres, database)

    with later.connect() as connection:
        found = connection.execute(
            "SELECT dataset.name, named.direction FROM lineage.event_datasets AS named "
            "JOIN lineage.datasets AS dataset ON dataset.id = named.dataset_id"
        )

        assert found.fetchall() == [("b", "w")]


def test_a_duplicate_event_changes_nothing(store: LineageStore) -> None:
    one = event("START", 0, outputs=[table("t")])
    first = store.ingest([one, one])
    again = store.ingest([json.dumps(one), event("COMPLETE", 1)])

    assert (first.stored, first.duplicates) == (1, 1)
    assert (again.stored, again.duplicates) == (1, 1)
    assert rows(store, "SELECT count(*) FROM lineage.events") == [2]


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([(None, 0)], "NEW"),
        ([("OTHER", 0)], "NEW"),
        ([("start", 0)], "RUNNING"),
        ([("RUNNING", 0)], "RUNNING"),
        ([("COMPLETE", 1), ("START", 0)], "COMPLETED"),
        ([("START", 0), ("FAIL", 1), ("COMPLETE", 2)], "FAILED"),
        ([("COMPLETE", 2), ("ABORT", 1)], "ABORTED"),
        ([("COMPLETE", 0), ("START", 5)], "COMPLETED"),
    ],
)
def test_a_run_ends_with_the_first_event_that_says_so(
    store: LineageStore, told: list[tuple[str | None, int]], state: str
) -> None:
    for type_, minute in told:
        store.ingest([event(type_, minute)])

    assert rows(store, "SELECT state FROM lineage.runs") == [state]


def test_a_job_has_the_datasets_of_its_last_completed_run(store: LineageStore) -> None:
    store.ingest([event("COMPLETE", 0, inputs=[table("a")], outputs=[table("b")])])
    assert edges(store) == {"r:a", "w:b"}

    store.ingest([event("START", 5, run=OTHER_RUN, outputs=[table("c")])])
    assert edges(store) == {"r:a", "w:b"}

    store.ingest([event("COMPLETE", 6, run=OTHER_RUN)])
    assert edges(store) == {"w:c"}


def test_a_job_that_never_completed_has_the_datasets_of_its_last_run(
    store: LineageStore,
) -> None:
    store.ingest([event("FAIL", 0, outputs=[table("a")])])
    store.ingest([event("START", 1, run=OTHER_RUN, outputs=[table("b")])])

    assert edges(store) == {"w:b"}


def test_a_newer_design_of_a_job_replaces_its_runs_and_the_older_one(
    store: LineageStore,
) -> None:
    job = {"namespace": "jobs", "name": "load"}
    store.ingest([event("COMPLETE", 0, outputs=[table("a")])])
    for minute, name in ((1, "b"), (3, "c"), (2, "d")):
        store.ingest([{"eventTime": at(minute), "job": job, "outputs": [table(name)]}])

    assert edges(store) == {"w:c"}


def test_the_newest_facet_counts_whenever_it_comes(store: LineageStore) -> None:
    store.ingest([event("COMPLETE", 5, outputs=[table("t", documentation={"d": 2})])])
    store.ingest([event("START", 0, outputs=[table("t", documentation={"d": 1})])])

    assert rows(store, "SELECT facet FROM lineage.dataset_facets") == [{"d": 2}]


def test_a_deleted_facet_is_marked(store: LineageStore) -> None:
    store.ingest([event("START", 0, outputs=[table("t", schema={"fields": []})])])
    store.ingest(
        [event("COMPLETE", 1, outputs=[table("t", schema={"_deleted": True})])]
    )

    assert rows(store, "SELECT deleted FROM lineage.dataset_facets") == [True]


def test_each_run_makes_a_version_with_its_schema(store: LineageStore) -> None:
    version = {"datasetVersion": "v2"}
    new = {"fields": [{"name": "a"}, {"name": "b"}]}
    old = {"fields": [{"name": "a"}]}
    store.ingest([event("COMPLETE", 0, outputs=[table("t", schema=old)])])
    store.ingest([event("START", 1, run=OTHER_RUN, outputs=[table("t", schema=new)])])
    store.ingest(
        [event("COMPLETE", 2, run=OTHER_RUN, outputs=[table("t", version=version)])]
    )

    query = """
        SELECT run_id, version, jsonb_array_length(fields)
        FROM lineage.dataset_versions ORDER BY created_at
    """
    assert rows(store, query) == [(UUID(RUN), None, 1), (UUID(OTHER_RUN), "v2", 2)]


def test_an_alias_stands_for_its_dataset_also_in_older_events(
    store: LineageStore,
) -> None:
    alias = {"identifiers": [{"namespace": "hive", "name": "t", "type": "TABLE"}]}
    hive = {"namespace": "hive", "name": "t"}
    store.ingest([event("COMPLETE", 0, job="read", inputs=[hive])])
    store.ingest(
        [event("COMPLETE", 1, run=OTHER_RUN, outputs=[table("/t", symlinks=alias)])]
    )
    store.ingest([event("COMPLETE", 2, job="read", inputs=[hive])])

    assert rows(store, "SELECT namespace, name FROM lineage.datasets") == [("db", "/t")]
    assert edges(store, "read") == {"r:/t"}
    assert rows(store, "SELECT name FROM lineage.symlinks") == ["t"]


def test_names_in_a_circle_are_one_dataset(store: LineageStore) -> None:
    def alias(name: str) -> dict[str, Any]:
        return {"identifiers": [{"namespace": "db", "name": name, "type": "TABLE"}]}

    store.ingest([event("START", 0, outputs=[table("b", symlinks=alias("a"))])])
    store.ingest([event("START", 1, outputs=[table("a", symlinks=alias("b"))])])

    assert rows(store, "SELECT name FROM lineage.datasets") == ["a"]
    assert edges(store) == {"w:a"}


def test_a_parent_is_known_before_it_tells_anything(store: LineageStore) -> None:
    flow = {"run": {"runId": OTHER_RUN}, "job": {"namespace": "jobs", "name": "flow"}}
    store.ingest(
        [
            event("START", 1, run=RUN)
            | {"run": {"runId": RUN, "facets": {"parent": flow}}}
        ]
    )

    query = """
        SELECT job.name, run.state, run.parent_id
        FROM lineage.runs AS run JOIN lineage.jobs AS job ON job.id = run.job_id
        ORDER BY job.name
    """
    assert rows(store, query) == [
        ("flow", "NEW", None),
        ("load", "RUNNING", UUID(OTHER_RUN)),
    ]


def test_columns_lead_to_the_columns_that_they_were_made_from(
    store: LineageStore,
) -> None:
    origin = {"namespace": "db", "name": "a", "field": "x"}
    direct = {"type": "DIRECT", "subtype": "IDENTITY", "masking": True}
    lineage = {
        "fields": {"y": {"inputFields": [{**origin, "transformations": [direct]}]}},
        "dataset": [origin],
    }
    store.ingest([event("COMPLETE", 0, outputs=[table("b", columnLineage=lineage)])])

    query = """
        SELECT output_field, input_field, type, subtype, masking
        FROM lineage.column_edges ORDER BY output_field
    """
    assert rows(store, query) == [
        ("", "x", "INDIRECT", "", False),
        ("y", "x", "DIRECT", "IDENTITY", True),
    ]


def test_rebuilding_restores_tables_and_keeps_what_people_gave(
    store: LineageStore,
) -> None:
    source = {"name": "one", "uri": "postgres://h/d"}
    store.ingest([event("COMPLETE", 0, outputs=[table("t", dataSource=source)])])
    with store.connect() as connection:
        connection.execute("INSERT INTO lineage.tags VALUES ('gold')")
        connection.execute(
            "INSERT INTO lineage.dataset_tags SELECT id, '', 'gold', now() "
            "FROM lineage.datasets"
        )
        connection.execute("UPDATE lineage.namespaces SET owner = 'team'")
        connection.execute("UPDATE lineage.datasets SET hidden = true")
        connection.execute("UPDATE lineage.runs SET state = 'NEW'")
        connection.execute("DELETE FROM lineage.edges")

    assert store.rebuild() == 1
    assert edges(store) == {"w:t"}
    assert rows(store, "SELECT state FROM lineage.runs") == ["COMPLETED"]
    assert rows(store, "SELECT tag FROM lineage.dataset_tags") == ["gold"]
    assert set(rows(store, "SELECT owner FROM lineage.namespaces")) == {"team"}
    assert rows(store, "SELECT hidden, source FROM lineage.datasets") == [(True, "one")]


def test_a_new_event_shows_again_what_was_deleted(store: LineageStore) -> None:
    store.ingest([event("START", 0, outputs=[table("t")])])
    with store.connect() as connection:
        connection.execute("UPDATE lineage.datasets SET hidden = true")
    store.ingest([event("START", 0, outputs=[table("t")])])
    assert rows(store, "SELECT hidden FROM lineage.datasets") == [True]

    store.ingest([event("COMPLETE", 1, outputs=[table("t")])])
    assert rows(store, "SELECT hidden FROM lineage.datasets") == [False]


def test_a_rebuild_does_not_wait_for_readers(store: LineageStore) -> None:
    store.ingest([event("START", 0, outputs=[table("t")])])
    with store.connect() as reader:
        reader.execute("SELECT * FROM lineage.edges")
        assert store.rebuild() == 1


def test_an_event_that_names_a_dataset_twice_says_what_it_says_last(
    store: LineageStore,
) -> None:
    alias = {"identifiers": [{"namespace": "db", "name": "a", "type": "TABLE"}]}
    twice = [table("t", doc={"d": 1}), table("a", doc={"d": 2})]
    store.ingest([event("START", 0, outputs=twice)])
    store.ingest([event("COMPLETE", 1, outputs=[table("t", symlinks=alias)])])

    query = "SELECT facet FROM lineage.dataset_facets WHERE name = 'doc'"
    assert rows(store, query) == [{"d": 2}]
    query = "SELECT facets -> 'doc' FROM lineage.dataset_versions"
    assert rows(store, query) == [{"d": 2}]
