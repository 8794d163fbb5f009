"""From an object to a revision."""

from mlops_common.bootstrap import connect
from mlops_common.orchestration.tasks import HOUR, task
from mlops_common.progress import step
from mlops_common.refs import DatasetRef


@task(timeout=HOUR)
def version_with_dvc(raw: DatasetRef) -> DatasetRef:
    """Make the dataset an immutable DVC revision; the same bytes are the same one."""
    with step("Version with DVC"):
        return connect().datasets.version(raw)
