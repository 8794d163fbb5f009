"""What a batch says of each table, as rows of its statement in `sql/merge`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.records import Told, split

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = Iterator[Row]


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of jobs and datasets, by their numbers within the batch."""

    jobs: list[int]
    datasets: list[int]


def namespaces(batch: Batch) -> Rows:
    """Yield the namespaces of jobs and datasets."""
    found: dict[str, tuple[str, str]] = {}
    for spans in (batch.jobs, batch.datasets):
        for (name, _), span in spans.items():
            first, last = found.get(name, (span.first, span.last))
            found[name] = min(first, span.first), max(last, span.last)
    for name, (first, last) in found.items():
        yield {"name": name, "first_at": first, "last_at": last}


def jobs(batch: Batch) -> Rows:
    """Yield the jobs in the order of their numbers."""
    for (namespace, name), span in batch.jobs.items():
        designed_at, designed_run = split(span.designed)
        yield {
            "namespace": namespace,
            "name": name,
            "first_at": span.first,
            "last_at": span.last,
            "designed_at": designed_at,
            "designed_run": designed_run,
        }


def datasets(batch: Batch) -> Rows:
    """Yield the datasets in the order of their numbers."""
    for (namespace, name), span in batch.datasets.items():
        yield {
            "namespace": namespace,
            "name": name,
            "named": span.named,
            "first_at": span.first,
            "last_at": span.last,
        }


def symlinks(batch: Batch) -> Rows:
    """Yield the names that stand for another."""
    for (namespace, name), claim in batch.claims.items():
        at, told_by = split(claim.stamp)
        target_namespace, target_name = claim.target
        yield {
            "namespace": namespace,
            "name": name,
            "type": claim.type,
            "target_namespace": target_namespace,
            "target_name": target_name,
            "at": at,
            "told_by": told_by,
        }


def _runs(batch: Batch, ids: Ids) -> Rows:
    for id_, run in batch.runs.items():
        told_at, told_by = split(run.told)
        ended_at, ended_by = split(run.ended)
        yield {
            "id": id_,
            "job_id": ids.jobs[run.job],
            "told_at": told_at,
            "told_by": told_by,
            "started_at": run.started or None,
            "ended_at": ended_at,
            "ended_by": ended_by,
            "ended_as": run.ended_as,
            "nominal_start": run.nominal_start or None,
            "nominal_end": run.nominal_end or None,
            "parent_id": run.parent or None,
            "names_datasets": run.names_datasets,
            "first_at": run.first,
            "last_at": run.last,
        }


def _sources(batch: Batch, _: Ids) -> Rows:
    for name, (first, last, url, type_) in batch.sources.items():
        yield {
            "name": name,
            "type": type_,
            "url": url or None,
            "first_at": first,
            "last_at": last,
        }


def _run_datasets(batch: Batch, ids: Ids) -> Rows:
    for (run_id, job, dataset, direction), use in batch.uses.items():
        version_at, version = use.version
        found = {
            "run_id": run_id,
            "job_id": ids.jobs[job],
            "dataset_id": ids.datasets[dataset],
            "direction": direction,
            "at": use.at,
        }
        if version_at:
            found |= {"version_at": version_at, "version": version}
        yield found


def _column_edges(batch: Batch, ids: Ids) -> Rows:
    for (job, output, source, edge), told in batch.column_edges.items():
        output_field, input_field, type_, subtype = edge
        last_at, told_by = split(told.stamp)
        yield {
            "job_id": ids.jobs[job],
            "output_id": ids.datasets[output],
            "output_field": output_field,
            "input_id": ids.datasets[source],
            "input_field": input_field,
            "type": type_,
            "subtype": subtype,
            "description": told.description,
            "masking": told.masking,
            "run_id": told.run_id,
            "first_at": told.first,
            "last_at": last_at,
            "told_by": told_by,
        }


def _dataset_facets(batch: Batch, ids: Ids) -> Rows:
    for (dataset, name), told in batch.dataset_facets.items():
        subject = {"dataset_id": ids.datasets[dataset], "run_id": told.run_id}
        yield subject | _facet(name, told)


def _job_facets(batch: Batch, ids: Ids) -> Rows:
    for (job, name), told in batch.job_facets.items():
        yield {"job_id": ids.jobs[job]} | _facet(name, told)


def _run_facets(batch: Batch, _: Ids) -> Rows:
    for (run_id, name), told in batch.run_facets.items():
        yield {"run_id": run_id} | _facet(name, told)


def _facet(name: str, told: Told) -> Row:
    at, told_by = split(told.stamp)
    return {
        "name": name,
        "at": at,
        "told_by": told_by,
        "deleted": told.deleted,
        "facet": orjson.Fragment(told.facet),
    }


def _dataset_sources(batch: Batch, ids: Ids) -> Rows:
    for dataset, name in batch.dataset_facets:
        if name == "dataSource":
            yield {"dataset_id": ids.datasets[dataset]}


def _dataset_versions(batch: Batch, ids: Ids) -> Rows:
    for id_, version in batch.versions.items():
        yield {
            "id": id_,
            "dataset_id": ids.datasets[version.number],
            "run_id": version.run_id,
            "at": version.at,
            "facets": version.facets,
            "told": version.told,
        }


def _dataset_tags(batch: Batch, ids: Ids) -> Rows:
    for (dataset, field, tag), at in batch.dataset_tags.items():
        id_ = ids.datasets[dataset]
        yield {"dataset_id": id_, "field": field, "tag": tag, "tagged_at": at}


def _job_tags(batch: Batch, ids: Ids) -> Rows:
    for (job, tag), at in batch.job_tags.items():
        yield {"job_id": ids.jobs[job], "tag": tag, "tagged_at": at}


# Of what is known by the ids of jobs and datasets, in the order of the statements.
FACTS: Mapping[str, Callable[[Batch, Ids], Rows]] = {
    "runs": _runs,
    "run_datasets": _run_datasets,
    "column_edges": _column_edges,
    "dataset_versions": _dataset_versions,
    "dataset_facets": _dataset_facets,
    "job_facets": _job_facets,
    "run_facets": _run_facets,
    "sources": _sources,
    "dataset_sources": _dataset_sources,
    "dataset_tags": _dataset_tags,
    "job_tags": _job_tags,
}
