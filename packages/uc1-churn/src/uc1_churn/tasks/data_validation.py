"""From a revision to a revision that keeps its contract."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mlops_common.bootstrap import connect
from mlops_common.errors import ContractError
from mlops_common.lineage.recording import reads, writes
from mlops_common.orchestration.tasks import HOUR, task
from mlops_common.progress import step
from mlops_common.refs import DatasetRef
from uc1_churn import resumption
from uc1_churn.config import DatasetSpec
from uc1_churn.lineage import quality
from uc1_churn.refs import ValidatedRef
from uc1_churn.tables import parquet, staging
from uc1_churn.validation.conformance import validate
from uc1_churn.validation.contract import resolve
from uc1_churn.validation.expectations import Finding


@task(timeout=HOUR, holds=resumption.still_validated)
def validate_with_great_expectations(
    raw: DatasetRef, spec: DatasetSpec, contract: str | Path | None
) -> ValidatedRef:
    """Check the table against its contract, keep the Data Docs page, approve it."""
    platform, now = connect(), datetime.now(UTC)
    table = platform.datasets.path(raw)
    key = f"validation/{raw.name}/{raw.digest}.html"

    def tell(findings: Sequence[Finding]) -> None:
        reads(lambda: quality.checked(platform, raw, table, findings))
        writes(lambda: quality.docs(platform, key))

    with (
        step("Validate with Great Expectations"),
        staging.folder(platform.staging) as folder,
    ):
        docs = folder / "docs.html"
        promised = resolve(contract, spec, table)
        try:
            validate(table, promised, now=now, docs=docs, observe=tell)
        except ContractError as error:
            page = platform.objects.upload(key, docs)
            raise ContractError(f"{error}\nData Docs: {page}") from error
        platform.objects.upload(key, docs)
    platform.datasets.approve(raw)
    newest = spec.timestamp and parquet.newest(table, spec.timestamp)
    return ValidatedRef(
        dataset=raw,
        contract=promised,
        docs=key,
        validated=now,
        as_of=newest or now.date(),
    )
