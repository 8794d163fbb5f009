"""From events that wait on disk to events that are told."""

from mlops_common.bootstrap import connect
from mlops_common.orchestration.tasks import MINUTE, task
from mlops_common.progress import step
from uc4_lineage.result import Emitted


@task(timeout=10 * MINUTE)
def emit_lineage(patience: float) -> Emitted:
    """Send what earlier runs could not send; end the runs whose process is gone."""
    from mlops_common.lineage.drain import drain

    platform = connect()
    with step("Send the events that waited"):
        drained = drain(platform, timeout=patience)
    return Emitted(
        told=drained.told,
        left=drained.left,
        refused=drained.refused,
        lost=drained.lost,
        problems=drained.problems,
    )
