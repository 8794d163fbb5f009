"""From the source table to the object store."""

from pathlib import PurePosixPath

from mlops_common.bootstrap import connect
from mlops_common.lineage.recording import executes, reads, writes
from mlops_common.orchestration.tasks import HOUR, task
from mlops_common.postgres.transfer import extract
from mlops_common.progress import step
from mlops_common.refs import DatasetRef
from uc1_churn.config import DatasetSpec
from uc1_churn.lineage import places, source
from uc1_churn.lineage.tables import of_file
from uc1_churn.tables import extraction, staging
from uc1_churn.tables.staging import StagedTable


@task(timeout=2 * HOUR)
def extract_from_postgres(spec: DatasetSpec) -> StagedTable:
    """Read the source table into a staged Parquet file, as of one instant."""
    platform = connect()
    with step(f"Extract {spec.name} from PostgreSQL"):
        target = staging.new_folder(platform.staging) / f"{spec.name}.parquet"
        staged = StagedTable(name=spec.name, path=target, rows=0)
        executes(lambda: source.statement(platform, spec))
        try:
            found = extract(
                platform.postgres,
                extraction.query(spec),
                target,
                look=lambda connection: reads(
                    lambda: source.read(platform, spec, connection)
                ),
            )
        except BaseException:
            staging.discard(staged)
            raise
    writes(lambda: source.staged(platform, spec, target, found))
    return staged.model_copy(update={"rows": found.rows})


@task(timeout=2 * HOUR)
def upload_to_minio(staged: StagedTable, raw_data_path: str) -> DatasetRef:
    """Put the staged file into the object store, under its digest."""
    prefix = PurePosixPath(raw_data_path).with_suffix("").as_posix()
    platform = connect()
    origin = places.staged(platform, staged.name)
    reads(lambda: of_file(staged.path, origin))
    with step(f"Upload {staged.rows:,} rows to the object store"):
        ref = platform.datasets.store(
            staged.name, staged.path, prefix=prefix, rows=staged.rows
        )
    writes(lambda: source.uploaded(platform, origin, ref))
    staging.discard(staged)
    return ref
