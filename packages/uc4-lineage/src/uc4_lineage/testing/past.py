"""A store of an earlier time, to hold against what a later one says of that time."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.postgres import temporary_database
from uc4_lineage.reading import Reader


@contextmanager
def reading_past(
    postgres: Postgres, template: str, events: Iterable[dict[str, Any]], at: datetime
) -> Iterator[Reader]:
    """Yield a reader of a new store that heard of no event after a time.

    Args:
        postgres: The server.
        template: A database with the tables of lineage, to be copied.
        events: What was told, before and after.
        at: The time.
    """
    told = (event for event in events if event["eventTime"] <= at.isoformat())
    with (
        temporary_database(postgres, template) as database,
        closing(LineageStore(postgres, database)) as store,
    ):
        store.ingest(told)
        with store.connect() as connection:
            yield Reader(connection)
