"""From events that wait on disk to events that are told."""

from mlops_common.bootstrap import connect
from mlops_common.orchestration.lineage.lost import end_lost
from mlops_common.orchestration.tasks import MINUTE, task
from mlops_common.progress import step
from uc4_lineage.result import Emitted

OFF = {"nobody": "lineage.enabled is false, or no receiver is set"}


@task(timeout=10 * MINUTE)
def emit_lineage(patience: float) -> Emitted:
    """Send what earlier runs could not send; end the runs whose process is gone."""
    platform = connect()
    emitter = platform.lineage
    if emitter is None:
        return Emitted(problems=OFF)
    with step("Send the events that waited"):
        first = emitter.drain(patience)
    with step("End the runs that died"):
        lost = end_lost(platform)
        last = emitter.drain(patience)
    return Emitted(
        told=first.told + last.told,
        left=last.left,
        refused=first.refused + last.refused,
        lost=last.lost,
        problems=last.problems,
        aborted=len(lost),
    )
