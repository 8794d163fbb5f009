"""Short OpenLineage events for tests of the store, and what its tables hold of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_common.lineage.store import LineageStore

RUN = "6f0c13a5-f29b-46a5-90c1-0ffbebbbd1aa"
START = datetime(2024, 1, 1, tzinfo=UTC)


def at(minute: int) -> str:
    """Return a time, so many minutes after the first.

    Examples:
        >>> at(5)
        '2024-01-01T00:05:00+00:00'
    """
    return (START + timedelta(minutes=minute)).isoformat()


def table(name: str, **facets: Any) -> dict[str, Any]:
    """Return a dataset of an event."""
    return {"namespace": "db", "name": name, "facets": facets}


def event(
    type_: str | None, minute: int, *, run: str = RUN, job: str = "load", **fields: Any
) -> dict[str, Any]:
    """Return an event of a run; `fields` are `inputs`, `outputs` and the like."""
    return {
        "eventType": type_,
        "eventTime": at(minute),
        "run": {"runId": run},
        "job": {"namespace": "jobs", "name": job},
        **fields,
    }


def rows(store: LineageStore, query: str) -> list[Any]:
    """Return what a query finds; the values themselves where it asks for one column."""
    with store.connect() as connection:
        found = connection.execute(query.encode()).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]
