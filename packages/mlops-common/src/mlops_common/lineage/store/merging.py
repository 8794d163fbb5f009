"""From what a batch tells to the tables, under the one lock of lineage."""

from collections.abc import Iterable
from importlib.resources import files

import psycopg

from mlops_common.lineage.store import aliases, rows
from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.event import Name
from mlops_common.lineage.store.intake import Intake
from mlops_common.lineage.store.statements import begin, fetched

SQL = files("mlops_common.lineage") / "sql"
LOCK = """
SELECT
    pg_advisory_xact_lock(hashtext('lineage')),
    set_config('lineage.replaying', %s, true)
"""
TELLING, REPLAYING = ("off",), ("on",)  # what comes with the lock
CHUNK = 1_000  # events that are told again at once


def merge(
    connection: psycopg.Connection, intake: Intake, *, replaying: bool = False
) -> dict[Name, Name]:
    """Merge what events tell into the tables.

    Args:
        connection: In a transaction.
        intake: The events, which are in `lineage.events`.
        replaying: Whether they were told before.

    Returns:
        The names among theirs that stand for another dataset, and which.
    """
    connection.execute(LOCK, REPLAYING if replaying else TELLING)
    batch = intake.batch
    moved = bool(batch.claims) and aliases.settle(connection, batch)
    known = aliases.known(connection, batch.names)
    if known != batch.met_aliases:
        batch = intake.again(known).batch
    _write(connection, batch)
    if moved:
        replay(connection, "replayed_events.sql")
        connection.execute("DELETE FROM in_replayed")
        if not replaying:
            drop_unnamed(connection)
    return known


def replay(connection: psycopg.Connection, query: str) -> int:
    """Tell events again; return how many.

    Args:
        connection: In a transaction that holds the lock.
        query: File of the query that yields them in the order of their numbers.
    """
    script, last, told = (SQL / query).read_bytes(), 0, 0
    while chunk := connection.execute(script, (last, CHUNK)).fetchall():
        intake = Intake.of((digest.hex, body.encode()) for _, digest, body in chunk)
        merge(connection, intake, replaying=True)
        last, told = chunk[-1][0], told + len(chunk)
    return told


def drop_unnamed(connection: psycopg.Connection) -> None:
    """Drop the datasets and jobs that no event names any more."""
    connection.execute((SQL / "drop_unnamed.sql").read_bytes())


def _write(connection: psycopg.Connection, batch: Batch) -> None:
    """Merge a batch whose names stand for themselves.

    The server answers some statements at once, for each answer is waited for.
    """
    with connection.pipeline():
        begin(connection, "merge/namespaces", rows.namespaces(batch))
        jobs = begin(connection, "merge/jobs", rows.jobs(batch))
        datasets = begin(connection, "merge/datasets", rows.datasets(batch))
        left = begin(connection, "jobs_of_runs", ({"id": run} for run in batch.runs))
    ids = rows.Ids(_numbered(batch.jobs, jobs), _numbered(batch.datasets, datasets))
    touched = {*ids.jobs, *(job for (job,) in fetched(left))}
    with connection.pipeline():
        for table, made in rows.FACTS.items():
            begin(connection, f"merge/{table}", made(batch, ids))
        begin(connection, "merge/edges", ({"job_id": job} for job in sorted(touched)))


def _numbered(names: Iterable[Name], cursors: list[psycopg.Cursor]) -> list[int]:
    """Return the ids of names, in their order."""
    ids = {(namespace, name): id_ for namespace, name, id_ in fetched(cursors)}
    return [ids[name] for name in names]
