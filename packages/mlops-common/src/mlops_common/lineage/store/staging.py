"""What is told on its way to PostgreSQL: each table by one COPY."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import orjson
import psycopg

from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.copying import Value, copy, line, lines
from mlops_common.lineage.store.event import Event
from mlops_common.lineage.store.records import split

Rows = Iterable[Sequence[Value]]

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


def stage(connection: psycopg.Connection, batch: Batch) -> None:
    """Copy a batch to the temporary tables, which `create_staging.sql` makes.

    Raises:
        psycopg.Error: PostgreSQL refuses it.
    """
    for table, (columns, rows) in TABLES.items():
        if data := lines(rows(batch)):
            copy(connection, f"in_{table} ({columns})", data)


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _jobs(batch: Batch) -> Rows:
    for name, span in batch.jobs.items():
        yield span.number, *name, span.first, span.last, *split(span.designed)


def _datasets(batch: Batch) -> Rows:
    for name, span in batch.datasets.items():
        yield span.number, *name, span.named, span.first, span.last


def _sources(batch: Batch) -> Rows:
    for name, (first, last, url, type_) in batch.sources.items():
        yield name, type_, url or None, first, last


def _runs(batch: Batch) -> Rows:
    for id_, run in batch.runs.items():
        yield (
            id_,
            run.job,
            *split(run.told),
            run.started or None,
            *split(run.ended),
            run.ended_as,
            run.nominal_start or None,
            run.nominal_end or None,
            run.parent or None,
            run.names_datasets,
            run.first,
            run.last,
        )


def _run_datasets(batch: Batch) -> Rows:
    for key, use in batch.uses.items():
        version_at, version = use.version
        yield (*key, use.at, *((version_at, version) if version_at else (None, None)))


def _column_edges(batch: Batch) -> Rows:
    for (job, output, source, edge), told in batch.column_edges.items():
        output_field, input_field, type_, subtype = edge
        yield (
            *(job, output, output_field, source, input_field, type_, subtype),
            *(told.description, told.masking, told.run_id, told.first),
            *split(told.stamp),
        )


def _dataset_facets(batch: Batch) -> Rows:
    for key, told in batch.dataset_facets.items():
        facet = told.facet.decode()
        yield *key, *split(told.stamp), told.run_id, told.deleted, facet


def _job_facets(batch: Batch) -> Rows:
    for key, told in batch.job_facets.items():
        yield *key, *split(told.stamp), told.deleted, told.facet.decode()


def _run_facets(batch: Batch) -> Rows:
    for key, told in batch.run_facets.items():
        yield *key, *split(told.stamp), told.facet.decode()


def _versions(batch: Batch) -> Rows:
    for id_, version in batch.versions.items():
        yield (
            *(id_, version.number, version.run_id, version.at),
            *(_text(version.facets), _text(version.told)),
        )


def _symlinks(batch: Batch) -> Rows:
    for name, claim in batch.claims.items():
        yield *name, *split(claim.stamp), *claim.target, claim.type


def _dataset_tags(batch: Batch) -> Rows:
    for key, at in batch.dataset_tags.items():
        yield *key, at


def _job_tags(batch: Batch) -> Rows:
    for key, at in batch.job_tags.items():
        yield *key, at


TABLES: dict[str, tuple[str, Callable[[Batch], Rows]]] = {
    "jobs": (
        "number, namespace, name, first_at, last_at, designed_at, designed_run",
        _jobs,
    ),
    "datasets": ("number, namespace, name, named, first_at, last_at", _datasets),
    "sources": ("name, type, url, first_at, last_at", _sources),
    "runs": (
        "id, job, told_at, told_by, started_at, ended_at, ended_by, ended_as, "
        "nominal_start, nominal_end, parent_id, names_datasets, first_at, last_at",
        _runs,
    ),
    "run_datasets": (
        "run_id, job, dataset, direction, at, version_at, version",
        _run_datasets,
    ),
    "column_edges": (
        "job, output, output_field, input, input_field, type, subtype, description, "
        "masking, run_id, first_at, last_at, told_by",
        _column_edges,
    ),
    "dataset_facets": (
        "dataset, name, at, told_by, run_id, deleted, facet",
        _dataset_facets,
    ),
    "job_facets": ("job, name, at, told_by, deleted, facet", _job_facets),
    "run_facets": ("run_id, name, at, told_by, facet", _run_facets),
    "dataset_versions": ("id, dataset, run_id, at, facets, told", _versions),
    "symlinks": (
        "namespace, name, at, told_by, target_namespace, target_name, type",
        _symlinks,
    ),
    "dataset_tags": ("dataset, field, tag, tagged_at", _dataset_tags),
    "job_tags": ("job, tag, tagged_at", _job_tags),
}
