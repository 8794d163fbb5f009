import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from mlops_common.errors import BackendError
from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.stored_lineage import event, rows, table


@pytest.fixture
def store(postgres: Postgres, database: str) -> Iterator[LineageStore]:
    store = LineageStore(postgres, database)
    yield store
    store.close()


def test_a_malformed_event_is_refused_alone(store: LineageStore) -> None:
    told = store.ingest([event("START", 0), b"{", event("START", 1, run="")])

    assert told.stored == 1
    assert [(one.index, one.where) for one in told.refused] == [
        (1, "$"),
        (2, "$.run.runId"),
    ]


def test_a_batch_of_malformed_events_stores_nothing(store: LineageStore) -> None:
    assert store.ingest([b"{"]).stored == 0
    assert store.ingest([]).stored == 0


def test_hostile_names_are_stored_to_the_letter(store: LineageStore) -> None:
    names = [
        "'; DROP SCHEMA lineage CASCADE; --",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "a\tb\nc\rd\\N\\",
        "%s {} $1",
        "\u202eevil\U0001f600",
        "\\.",
    ]
    store.ingest([event("START", 0, inputs=[table(name) for name in names])])

    assert set(rows(store, "SELECT name FROM lineage.datasets")) == set(names)


def test_texts_that_postgresql_refuses_are_stored_without_what_it_refuses(
    store: LineageStore,
) -> None:
    text = b'"a\\u0000b\\ud800"'
    raw = json.dumps(event("START", 0, outputs=[table("X", doc="X")])).encode()
    told = store.ingest([raw.replace(b'"X"', text)])

    assert told.stored == 1
    assert rows(store, "SELECT name FROM lineage.datasets") == ["a\ufffdb\ufffd"]


def test_a_facet_of_10_megabytes_is_stored_and_one_of_20_refused(
    store: LineageStore,
) -> None:
    told = store.ingest(
        event("START", 0, outputs=[table("t", big={"text": "xy" * size})])
        for size in (5_000_000, 10_000_000)
    )

    assert told.stored == 1
    assert [(one.index, one.where) for one in told.refused] == [(1, "$")]


def test_the_longest_names_fit_into_the_indexes(store: LineageStore) -> None:
    # Of random letters, so that PostgreSQL cannot compress them.
    letters = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(832))
    origin = {"namespace": "db", "name": letters, "field": letters[:400]}
    lineage = {"fields": {letters[400:800]: {"inputFields": [origin]}}}
    tag = {"tags": [{"key": letters, "value": ""}]}
    output = table(letters, columnLineage=lineage, tags=tag, **{letters: {}})
    told = store.ingest([event("START", 0, job=letters[:831], outputs=[output])])

    assert told.stored == 1
    assert rows(store, "SELECT count(*) FROM lineage.column_edges") == [1]


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59.999999Z"])
def test_a_clock_that_is_wrong_is_believed(store: LineageStore, time: str) -> None:
    told = store.ingest([event("START", 0) | {"eventTime": time}])

    assert told.stored == 1
    assert rows(store, "SELECT state FROM lineage.runs") == ["RUNNING"]


def test_stores_that_ingest_the_same_events_at_once_store_each_once(
    postgres: Postgres, database: str
) -> None:
    events = [
        event("COMPLETE", i % 40, run=str(UUID(int=i)), outputs=[table(f"t{i % 9}")])
        for i in range(400)
    ]

    def ingest(number: int) -> int:
        store = LineageStore(postgres, database)
        own = events[number * 50 :] + events[: number * 50]
        batches = [own[i : i + 40] for i in range(0, 400, 40)]
        stored = sum(store.ingest(batch).stored for batch in batches)
        store.close()
        return stored

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ingest, range(6))) == 400
    with postgres.connect(database) as connection:
        count = connection.execute("SELECT count(*) FROM lineage.run_datasets")
        assert count.fetchone() == (400,)


def test_a_lost_connection_stores_nothing_of_a_batch_and_the_next_one_all(
    store: LineageStore,
) -> None:
    store.ingest([event("START", 0)])

    def cut() -> Iterator[dict[str, Any]]:
        yield event("COMPLETE", 1)
        with store.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        yield event("COMPLETE", 2)

    with pytest.raises(BackendError, match="nothing of the batch was stored"):
        store.ingest(cut())
    assert store.ingest([event("COMPLETE", 1), event("COMPLETE", 2)]).stored == 2


def test_an_error_of_the_caller_stores_nothing_of_a_batch(store: LineageStore) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield event("START", 0)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        store.ingest(broken())
    assert store.ingest([event("START", 0)]).stored == 1


def test_a_job_that_reads_what_it_writes_is_stored(store: LineageStore) -> None:
    store.ingest([event("COMPLETE", 0, inputs=[table("a")], outputs=[table("a")])])

    assert rows(store, "SELECT direction::text FROM lineage.edges ORDER BY 1") == [
        "r",
        "w",
    ]


def test_an_event_that_the_database_cannot_hold_is_refused_alone(
    postgres: Postgres,
) -> None:
    with postgres.connect("postgres", autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE lineage_latin1 ENCODING 'LATIN1' LOCALE 'C' "
            "TEMPLATE template0"
        )
    names = ["a", "Ω", "b", "ä", "日本"]
    with closing(LineageStore(postgres, "lineage_latin1")) as store:
        told = store.ingest(event("START", 0, outputs=[table(name)]) for name in names)
        stored = rows(store, "SELECT name FROM lineage.datasets")

    assert (told.stored, told.duplicates) == (3, 0)
    assert [(one.index, one.where) for one in told.refused] == [(1, "$"), (4, "$")]
    assert "LATIN1" in told.refused[0].reason
    assert set(stored) == {"a", "b", "ä"}
