"""OpenLineage events, as short to write as what a test says with them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

PRODUCER = "https://example.org/tests"
START = datetime(2026, 1, 1, tzinfo=UTC)
JOBS = "etl"  # namespace of the jobs
DATA = "postgres://db:5432"  # namespace of the datasets
FACET = {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/facet.json"}

Columns = Mapping[str, str]
# A column: `dataset.column` in `DATA`, or the namespace, the dataset and the column.
Column = str | tuple[str, str, str]
# Output column to the columns that it is made from.
Origins = Mapping[str, Sequence[Column]]


def minute(number: float) -> datetime:
    """Return the time some minutes after the start of the year 2026."""
    return START + timedelta(minutes=number)


def run_event(  # noqa: PLR0913 - all but three by keyword
    job: str,
    reads: Iterable[Any] = (),
    writes: Iterable[Any] = (),
    *,
    at: float = 0,
    state: str = "COMPLETE",
    run: str | None = None,
    facets: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an event of a run.

    Args:
        job: Name of the job.
        reads: Names of datasets, or what `dataset` returns.
        writes: As of `reads`.
        at: Minutes after the start of the year 2026.
        state: START, RUNNING, COMPLETE, FAIL or ABORT.
        run: What tells the run from others; by default each event has one of its own.
        facets: Of the run, by name.
    """
    number = str(uuid5(NAMESPACE_URL, run or f"{job} {at} {state}"))
    return {
        "eventType": state,
        "eventTime": minute(at).isoformat(),
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        "run": {
            "runId": number,
            "facets": {name: FACET | value for name, value in (facets or {}).items()},
        },
        "job": {"namespace": JOBS, "name": job},
        "inputs": [_dataset(one) for one in reads],
        "outputs": [_dataset(one) for one in writes],
    }


def job_event(
    job: str, reads: Iterable[Any] = (), writes: Iterable[Any] = (), *, at: float = 0
) -> dict[str, Any]:
    """Return an event of a job that has not run; see `run_event`."""
    event = run_event(job, reads, writes, at=at)
    return {key: event[key] for key in event if key not in {"eventType", "run"}}


def dataset(
    name: str,
    columns: Columns | None = None,
    origins: Origins | None = None,
    *,
    influences: Sequence[Column] = (),
    namespace: str = DATA,
    facets: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a dataset of an event.

    Args:
        name: Its name.
        columns: Type by column.
        origins: What its columns are made from.
        influences: Columns that decide on its rows.
        namespace: Of the dataset.
        facets: More facets, by name.
    """
    found = dict(facets or {})
    if columns is not None:
        fields = [{"name": n, "type": kind} for n, kind in columns.items()]
        found["schema"] = {"fields": fields}
    if origins is not None or influences:
        found["columnLineage"] = {
            "fields": {
                name: {"inputFields": [_field(one, "DIRECT") for one in made_from]}
                for name, made_from in (origins or {}).items()
            },
            "dataset": [_field(one, "INDIRECT") for one in influences],
        }
    told = {key: FACET | value for key, value in found.items()}
    return {"namespace": namespace, "name": name, "facets": told}


def _dataset(one: Any) -> dict[str, Any]:
    return dataset(one) if isinstance(one, str) else dict(one)


def _field(column: Column, kind: str) -> dict[str, Any]:
    if isinstance(column, str):
        name, _, field = column.rpartition(".")
        return _field((DATA, name, field), kind)
    namespace, name, field = column
    how = {"type": kind, "subtype": "FILTER" if kind == "INDIRECT" else "IDENTITY"}
    found = {"namespace": namespace, "name": name, "field": field}
    return found | {"transformations": [how]}
