"""From events that wait on disk to events that are told."""

from mlops_common.bootstrap import connect
from mlops_common.orchestration.tasks import MINUTE, task
from mlops_common.progress import step
from uc4_lineage.result import Emitted

OFF = {"nobody": "lineage.enabled is false, or no receiver is set"}


@task(timeout=10 * MINUTE)
def emit_lineage(patience: float) -> Emitted:
    """Send what earlier runs could not send; end the runs whose process is gone."""
    emitter = connect().lineage
    if emitter is None:
        return Emitted(problems=OFF)
    with step("Send the events that waited"):
        found = emitter.drain(patience)
    return Emitted(
        told=found.told,
        left=found.left,
        refused=found.refused,
        lost=found.lost,
        problems=found.problems,
    )
