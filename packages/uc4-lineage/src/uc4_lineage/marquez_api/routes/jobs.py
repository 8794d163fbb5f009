"""Jobs, their versions, runs and tags."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from uc4_lineage.marquez_api.parameters import (
    Asking,
    Limit,
    Name,
    Offset,
    absent,
    shown,
)
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.questions.runs import State

router = APIRouter()
JOBS = "/namespaces/{namespace}/jobs"
ONE = JOBS + "/{job}"


States = Annotated[list[State] | None, Query(alias="lastRunStates")]


@router.get("/jobs")
def all_jobs(
    asking: Asking, states: States = None, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """List the jobs of all namespaces, the one last told of first."""
    page = {"limit": limit, "offset": offset}
    return shown(asking.json("jobs", namespace=None, states=states, **page), "")


@router.get(JOBS)
def jobs(
    asking: Asking,
    namespace: Name,
    states: States = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List the jobs of a namespace, the one last told of first."""
    page = {"limit": limit, "offset": offset}
    return shown(asking.json("jobs", namespace=namespace, states=states, **page), "")


@router.get(ONE)
def job(asking: Asking, namespace: Name, job: Name) -> Response:
    """Show a job."""
    return _shown(asking, "job", namespace, job)


@router.delete(ONE)
def delete_job(asking: Asking, namespace: Name, job: Name) -> Response:
    """Hide a job until an event names it again."""
    answer = _shown(asking, "job", namespace, job)
    asking.change("delete_job", namespace=namespace, job=job)
    return answer


@router.get(ONE + "/versions")
def versions(
    asking: Asking, namespace: Name, job: Name, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """List the versions of a job, the newest first."""
    return _shown(asking, "job_versions", namespace, job, limit, offset)


@router.get(ONE + "/versions/{version}")
def version(asking: Asking, namespace: Name, job: Name, version: UUID) -> Response:
    """Show a version of a job."""
    _shown(asking, "job", namespace, job)
    which = {"namespace": namespace, "job": job, "version": version}
    found = asking.json("job_version", **which)
    return shown(found, f"Job version '{version}' not found.")


@router.get(ONE + "/runs")
def runs(
    asking: Asking, namespace: Name, job: Name, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """List the runs of a job, the newest first."""
    return _shown(asking, "runs", namespace, job, limit, offset)


@router.post(ONE + "/tags/{tag}")
def tag(asking: Asking, namespace: Name, job: Name, tag: Name) -> Response:
    """Put a tag on a job."""
    _shown(asking, "job", namespace, job)
    which = {"namespace": namespace, "job": job, "tag": tag.upper()}
    asking.change("put_tag", "tag_job", **which, description=None)
    return _shown(asking, "job", namespace, job)


@router.delete(ONE + "/tags/{tag}")
def untag(asking: Asking, namespace: Name, job: Name, tag: Name) -> Response:
    """Take a tag off a job."""
    _shown(asking, "job", namespace, job)
    asking.change("untag_job", namespace=namespace, job=job, tag=tag.upper())
    return _shown(asking, "job", namespace, job)


def _shown(
    asking: Queries,
    statement: str,
    namespace: str,
    job: str,
    limit: int = 100,
    offset: int = 0,
) -> Response:
    page = {"limit": limit, "offset": offset}
    found = asking.json(statement, namespace=namespace, job=job, **page)
    return shown(found, "" if found else absent(asking, "Job", job, namespace))
