"""From a prediction back to the columns, the code and the commit that made it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mlops_common.lineage import naming
from mlops_common.lineage.store.store import DATABASE
from uc4_lineage.columns import Origin, Place
from uc4_lineage.node import Node
from uc4_lineage.questions.origins import key_of
from uc4_lineage.reading import Reader
from uc4_lineage.trace.fields import Chain, chain
from uc4_lineage.trace.model import ModelTrace, trace_model
from uc4_lineage.trace.origins import Origins, Told, told_by_jobs, told_by_runs
from uc4_lineage.trace.predictions import Prediction, logged
from uc4_lineage.trace.versions import made_from

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

LOG = "predictions"  # table of the prediction log
FEATURES = "features"  # its column with what was asked


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature that a model was asked with.

    Attributes:
        name: Of the feature.
        value: The first row's value.
        chain: What its values are made from; nothing where no run told.
    """

    name: str
    value: Any
    chain: Chain


@dataclass(frozen=True, slots=True)
class Query:
    """The statement by which a job reads or writes.

    Attributes:
        job: The job.
        text: Its SQL.
        run: The run that told it; nothing where only the job's statement of that time
            is known.
    """

    job: Node
    text: str
    run: UUID | None = None


@dataclass(frozen=True, slots=True)
class PredictionTrace:
    """Where a prediction comes from.

    Attributes:
        predictions: The rows of the request.
        features: What the model was asked with, in the order of the request.
        queries: Statements of the jobs that made the features, the last one first.
        model: Where the model comes from.
    """

    predictions: tuple[Prediction, ...]
    features: tuple[Feature, ...]
    queries: tuple[Query, ...]
    model: ModelTrace


def trace_prediction(
    platform: "Platform",
    reader: Reader,
    request: str | None = None,
    entity: str | None = None,
) -> PredictionTrace:
    """Return where a prediction comes from.

    Columns and statements are those of the runs that made the features which were
    there then, and the version of the model; what these did not tell is as the jobs
    made it then, or make it now if they told later.

    Args:
        platform: Where the registry is, and the snapshots.
        reader: Reads the store, and the log beside it.
        request: Id of the request.
        entity: Whom it is about; without a request its last prediction counts.

    Raises:
        ConfigError: Neither a request nor an entity is given.
        NotFoundError: There is no such prediction.
        BackendError: The store cannot be read.
    """
    rows = logged(reader, request, entity)
    first = rows[0]
    model = trace_model(
        platform, reader, first.model, first.version, first.service, first.at
    )
    starts, origins = _origins(platform, reader, first, model)
    features = tuple(
        Feature(name, value, chain(reader, origins, _of(starts, name)))
        for name, value in first.features.items()
    )
    queries = _queries(reader, features, first.at)
    return PredictionTrace(rows, features, queries, model)


def _origins(
    platform: "Platform", reader: Reader, asked: Prediction, model: ModelTrace
) -> tuple[list[Origin], Origins]:
    """Return the first hop of every feature, and the origins of what is behind it."""
    then, now = told_by_jobs(reader, asked.at)
    trained = told_by_runs(reader, model.made, then)
    starts = _starts(platform, reader, Origins([trained, then, now]), model)
    starts = _of_service(reader, starts, asked.service)
    read = dict.fromkeys(one.input for one in starts)
    ready = [one for key in read for one in made_from(reader, key, "", asked.at)]
    sources: list[Told] = [told_by_runs(reader, ready, then), trained, then, now]
    return starts, Origins(sources)


def _of_service(reader: Reader, starts: list[Origin], service: str) -> list[Origin]:
    """Return what the job of a service tells; all where no job is called by it."""
    jobs = dict.fromkeys(one.job for one in starts)
    own = {key for key in jobs if _called(reader, key).rpartition(".")[2] == service}
    return [one for one in starts if one.job in own] or starts


def _called(reader: Reader, job: int) -> str:
    (node,) = reader.nodes([job])
    return node.name


def _starts(
    platform: "Platform", reader: Reader, origins: Origins, model: ModelTrace
) -> list[Origin]:
    """Return the first hop of every feature: from the log, or else from the model."""
    settings = platform.settings.postgres
    log = naming.postgres_table(
        settings.host, DATABASE, LOG, port=settings.port, schema="serving"
    )
    key = key_of(reader, log.namespace, log.name)
    found = [] if key is None else origins.made_from(Place(key, FEATURES))
    if found or not model.made:
        return found
    made = model.made[0].dataset
    key = key_of(reader, made.namespace, made.name)
    return [] if key is None else origins.made_from(Place(key))


def _of(starts: Iterable[Origin], feature: str) -> list[Origin]:
    return [one for one in starts if one.input_field == feature]


def _queries(
    reader: Reader, features: Iterable[Feature], at: datetime
) -> tuple[Query, ...]:
    """Return the statement of each job on the way that has one."""
    hops = [hop for feature in features for hop in feature.chain.hops]
    told = dict.fromkeys((hop.job, hop.run) for hop in hops)
    found = (_query(reader, job, run, at) for job, run in told)
    return tuple(query for query in found if query is not None)


def _query(reader: Reader, job: Node, run: UUID | None, at: datetime) -> Query | None:
    """Return the statement of a job in a run; without one, the job's of a time."""
    names = {"namespace": job.namespace, "job": job.name}
    rows = (
        reader.rows("job_statement", at=at, **names)
        if run is None
        else reader.rows("run_statement", run=run, **names)
    )
    return Query(job, rows[0][0], run) if rows else None
