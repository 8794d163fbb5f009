"""Events on their way to PostgreSQL, as they came: by one COPY."""

from collections.abc import Iterable
from itertools import islice

import psycopg

from mlops_common.lineage.store.copying import line
from mlops_common.lineage.store.event import Event

AT_ONCE = 16  # rows in one message to the server
KEEP = """
COPY lineage.events
    (digest, kind, event_type, event_time, run_id, job_namespace, job_name, body)
FROM STDIN
"""


def row(event: Event) -> str:
    """Return an event as a row of `lineage.events`, in the text format of COPY."""
    return line(
        (
            event.document.digest,
            event.kind,
            event.type,
            event.at,
            event.run_id,
            *(event.job or (None, None)),
            event.document.body.decode(),
        )
    )


def keep(connection: psycopg.Connection, rows: Iterable[str]) -> None:
    """Copy events to `lineage.events` while the next ones are made.

    Args:
        connection: In a transaction.
        rows: As `row` makes them.

    Raises:
        psycopg.errors.UniqueViolation: One of them is stored already.
    """
    iterator = iter(rows)
    with connection.cursor() as cursor, cursor.copy(KEEP) as copying:
        while some := list(islice(iterator, AT_ONCE)):
            copying.write("".join(some))
