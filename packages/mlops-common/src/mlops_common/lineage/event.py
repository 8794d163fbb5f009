"""Events of OpenLineage, made from what was observed.

It imports OpenLineage's client, half a second: only the thread that tells does so.
"""

import getpass
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from mlops_common.lineage import sql_lineage
from mlops_common.lineage.dataset import Dataset, copied
from mlops_common.lineage.facets.dataset import input_dataset, output_dataset
from mlops_common.lineage.facets.own import PRODUCER, Facets, own_facets
from mlops_common.lineage.facets.run import job_facets, run_facets
from mlops_common.lineage.naming import DatasetName
from mlops_common.lineage.observation import Observation
from mlops_common.lineage.receivers.base import Event
from mlops_common.lineage.sql_lineage import Reads
from mlops_common.lineage.statement import Statement

facet_v2.set_producer(PRODUCER)


@dataclass(frozen=True)
class Defaults:
    """What events say where an observation does not.

    Attributes:
        namespace: Of jobs.
        owner: Of what is written, such as `team:churn`; who runs this when empty.
    """

    namespace: str
    owner: str = ""


def event(seen: Observation, defaults: Defaults) -> Event:
    """Return the event of OpenLineage that tells an observation.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from mlops_common.lineage.observation import declared
        >>> service = declared("serve.churn", datetime(2026, 1, 31, tzinfo=UTC))
        >>> event(service, Defaults("mlops"))["job"]["name"]
        'serve.churn'
    """
    return cast("Event", Serde.to_dict(built(seen, defaults)))


def built(
    seen: Observation, defaults: Defaults
) -> event_v2.RunEvent | event_v2.JobEvent:
    """Return the event of an observation as the client of OpenLineage has it."""
    inputs, outputs, skipped = _datasets(seen)
    owner = defaults.owner or f"user:{_account()}"
    known: dict[str, Any] = {
        "eventTime": seen.at.isoformat(),
        "producer": PRODUCER,
        "job": event_v2.Job(
            seen.namespace or defaults.namespace,
            seen.job,
            facets=job_facets(seen) | _note(skipped),
        ),
        "inputs": [input_dataset(dataset) for dataset in inputs],
        "outputs": [output_dataset(_owned(one, owner)) for one in outputs],
    }
    if not seen.run:
        return event_v2.JobEvent(**known)
    run = event_v2.Run(seen.run, facets=run_facets(seen, defaults.namespace))
    state = event_v2.RunState(seen.state)
    return event_v2.RunEvent(eventType=state, run=run, **known)


def _note(skipped: int) -> Facets:
    """Return the facet that says that some SQL was not looked at, if any was not."""
    reason = f"more than {sql_lineage.LONGEST:,} characters, or too many operators"
    note = {"sql": {"skipped": skipped, "reason": reason}}
    return own_facets(note) if skipped else {}


def _datasets(seen: Observation) -> tuple[list[Dataset], list[Dataset], int]:
    """Return what was read and written, as said and as the SQL tells.

    Last comes the number of statements that were not looked at.
    """
    inputs = _by_name(seen.inputs)
    outputs = _by_name(seen.outputs)
    skipped = 0
    for statement in seen.statements:
        reads = sql_lineage.parsed(statement)
        skipped += reads.skipped
        for name in reads.inputs:
            inputs.setdefault(name, Dataset(name=name))
        written = [statement.output] if statement.output else list(reads.outputs)
        for name in written:
            known = outputs.get(name, Dataset(name=name))
            outputs[name] = _with_columns(known, statement, reads, inputs)
    return list(inputs.values()), list(outputs.values()), skipped


def _by_name(datasets: Iterable[Dataset]) -> dict[DatasetName, Dataset]:
    found: dict[DatasetName, Dataset] = {}
    for dataset in datasets:
        known = found.get(dataset.name)
        found[dataset.name] = dataset if known is None else known.with_(dataset)
    return found


def _with_columns(
    output: Dataset,
    statement: Statement,
    reads: Reads,
    inputs: dict[DatasetName, Dataset],
) -> Dataset:
    """Return an output with the origins that its SQL tells; what was said is kept."""
    told = dict(reads.origins)
    if reads.everything:
        source = reads.inputs[0]
        fields = inputs[source].fields or output.fields
        told = copied(source, [field.name for field in fields])
    columns = {field.name for field in output.fields}
    if statement.output and columns:
        told = {name: origins for name, origins in told.items() if name in columns}
    return output.model_copy(update={"origins": {**told, **output.origins}})


def _owned(dataset: Dataset, owner: str) -> Dataset:
    return dataset if dataset.owner else dataset.model_copy(update={"owner": owner})


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        return "unknown"
