"""How far an extract is: its server counts the rows, and is asked now and then."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import psycopg
from psycopg import sql

from mlops_common.errors import MlopsError
from mlops_common.postgres.database import Postgres
from mlops_common.progress import Advance

PAUSE = 1.0  # seconds between two looks
COPIED = (files("mlops_common.postgres") / "sql" / "copied.sql").read_text("utf-8")


def expected(connection: psycopg.Connection, statement: str) -> int | None:
    """Return about how many rows a SELECT has, as the planner thinks; at least 1.

    Nothing where it fails: whoever runs the statement will tell why. The connection
    is good for nothing else then.
    """
    try:
        query = sql.SQL("EXPLAIN (FORMAT JSON) ") + sql.SQL(statement)
        row = connection.execute(query).fetchone()
    except psycopg.Error:
        return None
    return max(1, int(row[0][0]["Plan"]["Plan Rows"])) if row else None


@contextmanager
def watched(
    postgres: Postgres, database: str | None, application: str, advance: Advance
) -> Iterator[None]:
    """Advance by the rows that a COPY of this block has sent, about every second.

    Args:
        postgres: The server.
        database: Where it is asked.
        application: Name by which the copying connection is known to the server.
        advance: Called with numbers of rows, in a thread of its own.
    """
    over = threading.Event()

    def look() -> None:
        seen = 0
        while not over.wait(PAUSE):
            try:
                with postgres.connect(database) as connection:
                    row = connection.execute(COPIED, (application,)).fetchone()
            except (MlopsError, psycopg.Error):
                # A server that does not tell is no reason to end an extract.
                return
            now = int(row[0]) if row else seen
            if now > seen and not over.is_set():
                advance(now - seen)
                seen = now

    watcher = threading.Thread(target=look, name="watch an extract", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        # It may wait for a server that does not answer.
        watcher.join(PAUSE)
