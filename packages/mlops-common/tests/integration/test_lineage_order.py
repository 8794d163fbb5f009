"""The order in which events come, and how many come at once, changes nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.rows import dict_row

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres

Event = dict[str, Any]
Dump = dict[str, list[str]]

ROWS = sql.SQL("SELECT * FROM lineage.{}")
RUNS = ["6f0c13a5-f29b-46a5-90c1-0ffbebbbd1aa", "manual__1"]
TIMES = ["2024-01-01", "2024-01-01T10:00:00Z", "2024-01-02T00:00:00.5+01:00"]
FIELDS = ["a", "b"]

jobs = st.fixed_dictionaries(
    {"namespace": st.just("jobs"), "name": st.sampled_from(["x", "y"])}
)
tables = st.fixed_dictionaries(
    {"namespace": st.just("db"), "name": st.sampled_from(["t", "u", "v", "w"])}
)
schema = st.builds(
    lambda names: {"fields": [{"name": name} for name in names]},
    st.lists(st.sampled_from(FIELDS), max_size=2, unique=True),
)
origin = st.builds(
    lambda table, field, kinds: {
        **table,
        "field": field,
        "transformations": [{"type": kind, "description": kind} for kind in kinds],
    },
    tables,
    st.sampled_from(FIELDS),
    st.lists(st.sampled_from(["DIRECT", "INDIRECT"]), max_size=2),
)
column_lineage = st.fixed_dictionaries(
    {
        "fields": st.dictionaries(
            st.sampled_from(FIELDS),
            st.builds(
                lambda items: {"inputFields": items}, st.lists(origin, max_size=2)
            ),
            max_size=2,
        ),
        "dataset": st.lists(origin, max_size=1),
    }
)
tags = st.builds(
    lambda keys: {"tags": [{"key": key, "value": "true"} for key in keys]},
    st.lists(st.sampled_from(["pii", "gold"]), max_size=2),
)
source = st.builds(
    lambda name, uri: {"name": name, "uri": uri},
    st.sampled_from(["one", "two"]),
    st.sampled_from(["postgres://h/d", "mysql://h/d"]),
)
symlinks = st.builds(
    lambda names: {"identifiers": [{**name, "type": "TABLE"} for name in names]},
    st.lists(tables, max_size=2),
)
version = st.builds(
    lambda text: {"datasetVersion": text}, st.sampled_from(["1", "2", "ä"])
)
dataset_facets = st.fixed_dictionaries(
    {},
    optional={
        "schema": schema,
        "columnLineage": column_lineage,
        "symlinks": symlinks,
        "tags": tags,
        "version": version,
        "dataSource": source,
        "documentation": st.just({"_deleted": True}) | st.just({"description": "d"}),
        "unknown": st.sampled_from([None, 1, 1e17, [], "text"]),
    },
)
datasets = st.builds(
    lambda table, facets: {**table, "facets": facets}, tables, dataset_facets
)
parents = st.builds(
    lambda run, job: {"run": {"runId": run}, "job": job}, st.sampled_from(RUNS), jobs
)
nominal_times = st.builds(
    lambda start: {"nominalStartTime": start}, st.sampled_from(TIMES)
)
runs = st.builds(
    lambda run, facets: {"runId": run, "facets": facets},
    st.sampled_from(RUNS),
    st.fixed_dictionaries(
        {}, optional={"parent": parents, "nominalTime": nominal_times}
    ),
)
described_jobs = st.builds(
    lambda job, facets: {**job, "facets": facets},
    jobs,
    st.fixed_dictionaries({}, optional={"tags": tags, "sql": st.just({"query": "q"})}),
)
times = st.sampled_from(TIMES)
run_events = st.fixed_dictionaries(
    {"eventTime": times, "run": runs, "job": described_jobs},
    optional={
        "eventType": st.sampled_from(["START", "complete", "FAIL", "ABORT", "OTHER"]),
        "inputs": st.lists(datasets, max_size=2),
        "outputs": st.lists(datasets, max_size=2),
    },
)
job_events = st.fixed_dictionaries(
    {"eventTime": times, "job": described_jobs},
    optional={
        "inputs": st.lists(datasets, max_size=2),
        "outputs": st.lists(datasets, max_size=1),
    },
)
dataset_events = st.fixed_dictionaries({"eventTime": times, "dataset": datasets})
histories = st.lists(run_events | run_events | job_events | dataset_events, max_size=7)


def dump(connection: psycopg.Connection) -> Dump:
    """Return all tables, with names where they have numbers."""
    cursor = connection.cursor(row_factory=dict_row)
    names = {
        table: {
            row["id"]: f"{row['namespace']}/{row['name']}"
            for row in cursor.execute(ROWS.format(sql.Identifier(table)))
        }
        for table in ("jobs", "datasets")
    }
    found: Dump = {}
    for table in tables_of(connection):
        rows = cursor.execute(ROWS.format(sql.Identifier(table))).fetchall()
        found[table] = sorted(repr(named(table, row, names)) for row in rows)
    return found


def named(
    table: str, row: dict[str, Any], names: dict[str, dict[int, str]]
) -> dict[str, Any]:
    row = {key: value for key, value in row.items() if key != "received_at"}
    if table in {"jobs", "datasets", "events"}:
        del row["id"]
    for key in row.keys() & {"dataset_id", "input_id", "output_id"}:
        row[key] = names["datasets"][row[key]]
    if "job_id" in row:
        row["job_id"] = names["jobs"][row["job_id"]]
    return row


def tables_of(connection: psycopg.Connection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'lineage' ORDER BY 1"
    return [name for (name,) in connection.execute(query)]


@pytest.fixture(scope="module")
def store(postgres: Postgres) -> Iterator[LineageStore]:
    store = LineageStore(postgres, "lineage_order")
    yield store
    store.close()


@pytest.fixture(scope="module")
def reading(store: LineageStore) -> Iterator[psycopg.Connection]:
    with store.connect() as connection:
        connection.autocommit = True
        connection.execute("ALTER DATABASE lineage_order SET synchronous_commit = off")
        yield connection


def emptied(connection: psycopg.Connection) -> None:
    named = ", ".join(f"lineage.{table}" for table in tables_of(connection))
    connection.execute(f"TRUNCATE {named}".encode())


def chunks(events: Sequence[Event], sizes: Sequence[int]) -> Iterator[list[Event]]:
    start = 0
    for size in sizes:
        yield list(events[start : start + size])
        start += size
    yield list(events[start:])


@given(data=st.data(), history=histories)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_events_in_any_order_and_any_batches_tell_the_same(
    reading: psycopg.Connection,
    store: LineageStore,
    data: st.DataObject,
    history: list[Event],
) -> None:
    emptied(reading)
    store.ingest(history)
    expected = dump(reading)

    emptied(reading)
    shuffled = data.draw(st.permutations(history))
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=len(history)))
    for chunk in chunks(shuffled, sizes):
        store.ingest(chunk)
    assert dump(reading) == expected

    store.ingest(history)
    assert dump(reading) == expected

    store.rebuild()
    assert dump(reading) == expected
