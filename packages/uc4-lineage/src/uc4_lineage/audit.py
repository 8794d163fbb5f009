"""What the store knows of runs and datasets, for the audit."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlops_common.orchestration.deployments.history import EndedRun
from uc4_lineage.coverage import (
    CheckedRun,
    Coverage,
    DatasetFacts,
    LooseEnds,
    Period,
    RunFacts,
    audited,
    of_runs,
)
from uc4_lineage.naming import shown
from uc4_lineage.node import Node
from uc4_lineage.reading import Reader


def audit(
    reader: Reader,
    period: Period,
    ended: Iterable[EndedRun],
    loose: LooseEnds,
    unasked: str = "",
) -> Coverage:
    """Return how complete the lineage of a period is.

    Args:
        reader: Reads the store.
        period: Its end is the moment from which ages are counted.
        ended: The runs that ended in it.
        loose: What is told besides.
        unasked: Why it is not known which runs there were; else empty.

    Raises:
        BackendError: The store cannot be read.
    """
    asked = [
        CheckedRun(
            id=str(run.id),
            name=run.name,
            flow=run.flow,
            deployment=run.deployment,
            state=run.state,
            ended=run.ended,
        )
        for run in ended
    ]
    return audited(
        period,
        of_runs(asked, runs(reader, (run.id for run in asked))),
        datasets(reader),
        loose,
        unasked,
    )


def runs(reader: Reader, ids: Iterable[str]) -> dict[str, RunFacts]:
    """Return what is known of runs, by their id; those that are not known are absent.

    Args:
        reader: Reads the store.
        ids: Such as Prefect's ids of flow runs, which are those of the store.

    Raises:
        BackendError: The store cannot be read.
    """
    found = reader.rows("audit_runs", runs=list(ids))
    return {str(run): RunFacts(state, datasets) for run, state, datasets in found}


def datasets(reader: Reader) -> list[DatasetFacts]:
    """Return what is known of every dataset, sorted by its node id.

    Raises:
        BackendError: The store cannot be read.
    """
    return [
        DatasetFacts(shown(Node.dataset(namespace, name).id), described, owned)
        for namespace, name, described, owned in reader.rows("audit_datasets")
    ]


def loose_ends(orphans: Mapping[str, Any], stale: Mapping[str, Any]) -> LooseEnds:
    """Return what is told besides.

    Args:
        orphans: The plain answer to `Orphans`.
        stale: The plain answer to `Stale`.
    """
    return LooseEnds(
        never_written=tuple(shown(one["id"]) for one in orphans["never_written"]),
        never_read=tuple(shown(one["id"]) for one in orphans["never_read"]),
        stale=tuple(
            f"{shown(one['node']['id'])}, for {one['days']:,.0f} days"
            for one in stale["datasets"]
        ),
        unended=tuple(
            f"{shown(one['job']['id'])}, run {one['id']}, for {one['days']:,.0f} days"
            for one in stale["runs"]
        ),
    )
