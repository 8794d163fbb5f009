"""Datasets, jobs and runs that clients of old declare by hand, without events."""

from enum import StrEnum
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response

from mlops_common.errors import ContractError, NotFoundError
from uc4_lineage.marquez_api import declared
from uc4_lineage.marquez_api.declared import (
    DeclaredDataset,
    DeclaredJob,
    DeclaredRun,
    Event,
    Named,
)
from uc4_lineage.marquez_api.parameters import Asking, Name, Time, absent, shown
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.validation import check

router = APIRouter()
CREATED = 201


class Change(StrEnum):
    """What becomes of a run."""

    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    ABORT = "abort"


@router.put("/namespaces/{namespace}/datasets/{dataset}")
def put_dataset(
    request: Request,
    asking: Asking,
    namespace: Name,
    dataset: Name,
    told: DeclaredDataset,
) -> Response:
    """Declare a dataset, or what a run wrote."""
    _check_namespace(asking, namespace)
    source = asking.json("source", source=told.sourceName)
    if source is None:
        raise NotFoundError(f"Source '{told.sourceName}' not found.")
    url = orjson.loads(source)["connectionUrl"]
    named = Named(namespace=namespace, name=dataset)
    event = declared.of_dataset(named, told, url)
    if told.runId is not None:
        job = _job_of(asking, told.runId)
        written = {"outputs": [event.pop("dataset")], "job": job}
        event = declared.in_run(event | written, told.runId)
    _tell(request, event)
    for field, tags in [("", told.tags), *((f.name, f.tags) for f in told.fields)]:
        which = {"namespace": namespace, "dataset": dataset, "field": field}
        for tag in tags:
            known = {"tag": tag.upper(), "description": None}
            asking.change("put_tag", "tag_dataset", **which, **known)
    return shown(asking.json("dataset", namespace=namespace, dataset=dataset), dataset)


@router.put("/namespaces/{namespace}/jobs/{job}")
def put_job(
    request: Request, asking: Asking, namespace: Name, job: Name, told: DeclaredJob
) -> Response:
    """Declare a job, and what it reads and writes."""
    _check_namespace(asking, namespace)
    for each in (*told.inputs, *told.outputs):
        which = {"namespace": each.namespace, "name": each.name}
        if asking.rows("key_of_dataset", **which)[0][0] is None:
            raise NotFoundError(f"Dataset '{each.name}' not found.")
    event = declared.of_job(Named(namespace=namespace, name=job), told)
    if told.runId is not None:
        if _job_of(asking, told.runId) != {"namespace": namespace, "name": job}:
            raise NotFoundError(f"Run '{told.runId}' not found.")
        event = declared.in_run(event, told.runId)
    _tell(request, event)
    return shown(asking.json("job", namespace=namespace, job=job), job)


@router.post("/namespaces/{namespace}/jobs/{job}/runs")
def post_run(
    request: Request, asking: Asking, namespace: Name, job: Name, told: DeclaredRun
) -> Response:
    """Declare a run of a job."""
    if asking.json("job", namespace=namespace, job=job) is None:
        raise NotFoundError(absent(asking, "Job", job, namespace))
    if asking.json("run_facets", run=told.id) is not None:
        raise ContractError(f"Run '{told.id}' already exists for job '{job}'.")
    _tell(request, declared.of_run(Named(namespace=namespace, name=job), told))
    answer = shown(asking.json("run", run=told.id), str(told.id))
    answer.status_code = CREATED
    return answer


@router.post("/jobs/runs/{run}/{change}")
def change_run(
    request: Request, asking: Asking, run: UUID, change: Change, at: Time | None = None
) -> Response:
    """Declare that a run begins or ends."""
    job = Named(**_job_of(asking, run))
    _tell(request, declared.of_change(job, run, change.name, at))
    return shown(asking.json("run", run=run), str(run))


def _check_namespace(asking: Queries, namespace: str) -> None:
    if asking.json("namespace", namespace=namespace) is None:
        raise NotFoundError(f"Namespace '{namespace}' not found.")


def _job_of(asking: Queries, run: UUID) -> dict[str, str]:
    """Return namespace and name of the job of a run."""
    found = asking.json("job_of_run", run=run)
    if found is None:
        raise NotFoundError(f"Run '{run}' not found.")
    job: dict[str, str] = orjson.loads(found)
    return job


def _tell(request: Request, event: Event) -> None:
    """Store an event.

    Raises:
        ContractError: What was declared makes none.
        BackendError: The store failed.
    """
    check(event)
    for refusal in request.app.state.store.ingest([event]).refused:
        raise ContractError(f"{refusal.where}: {refusal.reason}")
