"""What clients of old declare by hand, as the OpenLineage events that say the same.

Marquez deprecates these requests. As events they are kept with all others, so that the
store can be rebuilt from them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, Field

from uc4_lineage.marquez_api.parameters import Text

PRODUCER = "urn:mlops-pipelines:marquez-api"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
FACETS = "https://openlineage.io/spec/facets/1-0-0"
PROCESSING = {"BATCH": "BATCH", "STREAM": "STREAMING", "SERVICE": "SERVICE"}

Event = dict[str, Any]


class Named(BaseModel):
    """Namespace and name of a dataset."""

    namespace: Text
    name: Text


class DeclaredField(BaseModel):
    """A field of a dataset."""

    name: Text
    type: Text | None = None
    description: Text | None = None
    tags: list[Text] = Field(default_factory=list)


class DeclaredDataset(BaseModel):
    """A table or a stream."""

    type: Text
    physicalName: Text  # noqa: N815 - as the API calls it
    sourceName: Text  # noqa: N815
    fields: list[DeclaredField] = Field(default_factory=list)
    tags: list[Text] = Field(default_factory=list)
    description: Text | None = None
    runId: UUID | None = None  # noqa: N815


class DeclaredJob(BaseModel):
    """A job."""

    type: Text
    inputs: list[Named] = Field(default_factory=list)
    outputs: list[Named] = Field(default_factory=list)
    location: Text | None = None
    context: Mapping[str, str] | None = None
    description: Text | None = None
    runId: UUID | None = None  # noqa: N815


class DeclaredRun(BaseModel):
    """A run of a job."""

    id: UUID = Field(default_factory=uuid4)
    nominalStartTime: Text | None = None  # noqa: N815
    nominalEndTime: Text | None = None  # noqa: N815


def of_dataset(named: Named, told: DeclaredDataset, url: str) -> Event:
    """Return the event of a dataset.

    Args:
        named: Its namespace and name.
        told: What is told of it.
        url: Of its source.
    """
    fields = [
        each.model_dump(exclude={"tags"}, exclude_none=True) for each in told.fields
    ]
    facets = {
        "schema": _facet("SchemaDatasetFacet", fields=fields),
        "dataSource": _facet("DatasourceDatasetFacet", name=told.sourceName, uri=url),
        "documentation": _facet(
            "DocumentationDatasetFacet", description=told.description
        ),
        "datasetType": _facet("DatasetTypeDatasetFacet", datasetType=told.type),
    }
    return {
        **_base("DatasetEvent"),
        "dataset": named.model_dump() | {"facets": _present(facets)},
    }


def of_job(named: Named, told: DeclaredJob) -> Event:
    """Return the event of a job."""
    facets = {
        "jobType": _facet(
            "JobTypeJobFacet",
            processingType=PROCESSING.get(told.type.upper(), told.type),
            integration="MARQUEZ",
            jobType="JOB",
        ),
        "documentation": _facet("DocumentationJobFacet", description=told.description),
        "sourceCodeLocation": _facet(
            "SourceCodeLocationJobFacet",
            type=None if told.location is None else "git",
            url=told.location,
        ),
        "sql": _facet("SQLJobFacet", query=_sql(told.context or {})),
    }
    return {
        **_base("JobEvent"),
        "job": named.model_dump() | {"facets": _present(facets)},
        "inputs": [each.model_dump() for each in told.inputs],
        "outputs": [each.model_dump() for each in told.outputs],
    }


def of_run(job: Named, told: DeclaredRun) -> Event:
    """Return the event of a run that has not begun."""
    times = {"nominalStartTime": told.nominalStartTime}
    if told.nominalEndTime is not None:
        times["nominalEndTime"] = told.nominalEndTime
    facets = {"nominalTime": _facet("NominalTimeRunFacet", **times)}
    return in_run(
        {**_base("RunEvent"), "job": job.model_dump(), "eventType": "OTHER"},
        told.id,
        _present(facets),
    )


def of_change(job: Named, run: UUID, kind: str, at: datetime | None) -> Event:
    """Return the event of a run that begins or ends.

    Args:
        job: Of the run.
        run: Its identifier.
        kind: START, COMPLETE, FAIL or ABORT.
        at: When; now if omitted.
    """
    event = {**_base("RunEvent"), "job": job.model_dump(), "eventType": kind}
    if at is not None:
        event["eventTime"] = at.isoformat()
    return in_run(event, run)


def in_run(event: Event, run: UUID, facets: Mapping[str, Any] | None = None) -> Event:
    """Return an event of a job as one of a run of it."""
    told = {"runId": str(run), "facets": dict(facets or {})}
    return {"eventType": "OTHER", **event, **_schema("RunEvent"), "run": told}


def _base(kind: str) -> Event:
    now = datetime.now(UTC).isoformat()
    return {"eventTime": now, "producer": PRODUCER, **_schema(kind)}


def _schema(kind: str) -> dict[str, str]:
    return {"schemaURL": f"{SPEC}/{kind}"}


def _facet(name: str, /, **content: Any) -> dict[str, Any] | None:
    """Return a facet; nothing where a part of it is not known."""
    if None in content.values():
        return None
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{name}.json", **content}


def _present(facets: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facet for name, facet in facets.items() if facet is not None}


def _sql(context: Mapping[str, str]) -> str | None:
    return next((text for key, text in context.items() if key.lower() == "sql"), None)
