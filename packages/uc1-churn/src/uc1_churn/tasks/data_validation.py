"""From a revision to a revision that keeps its contract."""

from datetime import UTC, datetime

from mlops_common.bootstrap import connect
from mlops_common.errors import ContractError
from mlops_common.orchestration.tasks import retried
from mlops_common.progress import step
from mlops_common.refs import DatasetRef
from uc1_churn import staging
from uc1_churn.config import ChurnParams
from uc1_churn.schema import resolve
from uc1_churn.validation import validate


@retried
def validate_with_great_expectations(
    raw: DatasetRef, params: ChurnParams
) -> DatasetRef:
    """Check the table against its contract, keep the Data Docs page, approve it."""
    platform = connect()
    table = platform.datasets.path(raw)
    key = f"validation/{raw.name}/{raw.digest}.html"
    with (
        step("Validate with Great Expectations"),
        staging.folder(platform.staging) as folder,
    ):
        docs = folder / "docs.html"
        contract = resolve(params.contract, params.dataset, table)
        try:
            validate(table, contract, now=datetime.now(UTC), docs=docs)
        except ContractError as error:
            page = platform.objects.upload(key, docs)
            raise ContractError(f"{error}\nData Docs: {page}") from error
        platform.objects.upload(key, docs)
    platform.datasets.approve(raw)
    return raw
