"""Ends the lineage of runs that can no longer end it themselves.

A run that goes on tells so every few minutes. One that fell silent for longer, and
whose process is known to have ended, was killed, or its machine was. A run of another
machine or home is left as it is: nobody here knows whether it goes on.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from mlops_common.errors import BackendError
from mlops_common.lineage.observation import Failure, JobRun, observed
from mlops_common.orchestration.lineage import teller_process
from mlops_common.orchestration.lineage.telling import PULSE

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

SILENCE = timedelta(seconds=3 * PULSE)
DEEPEST = 100  # runs above a run, so that a circle of them ends
FACET = f"mlops_{teller_process.FACET}"
LOST = (
    "The process of this run ended and could not say how: it was killed, or its "
    "machine stopped."
)


def end_lost(platform: "Platform", silence: timedelta = SILENCE) -> tuple[str, ...]:
    """Tell that runs were aborted which fell silent, and whose process is gone.

    Args:
        platform: Where lineage is told and kept.
        silence: For how long nothing was heard of them.

    Returns:
        The numbers of the runs, those that began first first; none where lineage is
        not told, or not kept in PostgreSQL. Runs of other machines are not among them.

    Raises:
        BackendError: PostgreSQL cannot be reached, or failed.
    """
    emitter = platform.lineage
    if emitter is None or not platform.settings.lineage.embedded:
        return ()
    ended = []
    for run in _lost(platform, datetime.now(UTC) - silence):
        failure = Failure(message=LOST)
        emitter.emit(observed("ABORT", run, datetime.now(UTC), failure=failure))
        ended.append(run.run)
    return tuple(ended)


def _lost(platform: "Platform", before: datetime) -> Iterator[JobRun]:
    """Yield the runs that were last heard of before an instant and have no process."""
    import psycopg

    query = files("mlops_common.orchestration.lineage") / "sql" / "silent_runs.sql"
    namespace = platform.settings.lineage.namespace
    values = {
        "before": before,
        "namespace": namespace,
        "deepest": DEEPEST,
        "facet": FACET,
    }
    try:
        with platform.lineage_store.connect() as connection:
            rows = connection.execute(query.read_bytes(), values).fetchall()
    except psycopg.Error as error:
        raise BackendError(f"the lineage store cannot be read: {error}") from error
    for number, job, process in rows:
        if teller_process.is_gone(process, platform.settings.home):
            yield JobRun(run=number, job=job, namespace=namespace)
