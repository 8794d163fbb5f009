"""From what a batch tells to the tables, under the one lock of lineage."""

from importlib.resources import files

import psycopg

from mlops_common.lineage.store import aliases
from mlops_common.lineage.store.event import Name
from mlops_common.lineage.store.intake import Intake
from mlops_common.lineage.store.staging import stage

SQL = files("mlops_common.lineage") / "sql"
LOCK = "SELECT pg_advisory_xact_lock(hashtext('lineage'))"
REPLAYING = "SELECT set_config('lineage.replaying', %s, true)"
STEPS = ("merge_names.sql", "merge_runs.sql", "merge_facets.sql", "merge_edges.sql")
MERGE = b"\n".join((SQL / step).read_bytes() for step in STEPS)
CHUNK = 1_000  # events that are told again at once


def merge(
    connection: psycopg.Connection, intake: Intake, *, replaying: bool = False
) -> dict[Name, Name]:
    """Merge what events tell into the tables.

    Args:
        connection: In a transaction, with empty temporary tables.
        intake: The events, which are in `lineage.events`.
        replaying: Whether they were told before.

    Returns:
        The names among theirs that stand for another dataset, and which.
    """
    batch = intake.batch
    stage(connection, batch)
    connection.execute(LOCK)
    moved = bool(batch.claims) and aliases.settle(connection)
    known = aliases.known(connection, batch.names)
    if known != batch.met_aliases:
        connection.execute((SQL / "empty_staging.sql").read_bytes())
        stage(connection, intake.again(known).batch)
    connection.execute(REPLAYING, ("on" if replaying else "off",))
    connection.execute(MERGE)
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
        connection.execute((SQL / "empty_staging.sql").read_bytes())
        merge(connection, intake, replaying=True)
        last, told = chunk[-1][0], told + len(chunk)
    return told


def drop_unnamed(connection: psycopg.Connection) -> None:
    """Drop the datasets and jobs that no event names any more."""
    connection.execute((SQL / "drop_unnamed.sql").read_bytes())
