"""From an object to a revision."""

from mlops_common.bootstrap import connect
from mlops_common.lineage.recording import reads, writes
from mlops_common.orchestration.tasks import HOUR, task
from mlops_common.progress import step
from mlops_common.refs import DatasetRef
from uc1_churn.lineage import source


@task(timeout=HOUR)
def version_with_dvc(raw: DatasetRef) -> DatasetRef:
    """Make the dataset an immutable DVC revision; the same bytes are the same one."""
    platform = connect()
    reads(lambda: source.stored(platform, raw))
    with step("Version with DVC"):
        versioned = platform.datasets.version(raw)
    writes(lambda: source.versioned(platform, versioned))
    return versioned
