"""A connection that is reset in the middle of the extract."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.orchestration.tasks import RETRIES
from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings
from mlops_common.simulation import write_company
from mlops_common.testing.external_postgres import external_postgres, variables
from mlops_common.testing.network import CuttingProxy
from uc1_churn.config import CUSTOMERS
from uc1_churn.tables import staging
from uc1_churn.tables.staging import StagedTable

AFTER = 100_000  # bytes of some 500,000


@pytest.fixture(scope="module")
def source() -> Iterator[PostgresSettings]:
    with external_postgres() as settings:
        end = date(2026, 3, 1)
        write_company(
            Postgres(settings, None), seed=7, customers=1_500, months=4, end=end
        )
        yield settings


@contextmanager
def extracting(
    platform: Platform, source: PostgresSettings, proxy: CuttingProxy
) -> Iterator[None]:
    """Record runs as ever, and read the customers through the proxy."""
    through = source.model_copy(update={"port": proxy.port})
    with (
        proxy.serving(),
        orchestrated(platform),
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in variables(through).items():
            patch.setenv(name, value)
        yield


def extracted() -> StagedTable:
    from uc1_churn.tasks.data_ingestion import extract_from_postgres

    return extract_from_postgres(CUSTOMERS)


def staged(platform: Platform) -> set[str]:
    folder = platform.staging
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_the_task_tries_again_and_leaves_one_whole_file(
    platform: Platform, source: PostgresSettings
) -> None:
    before = staged(platform)
    proxy = CuttingProxy("127.0.0.1", source.port, after=AFTER, cuts=1)

    with extracting(platform, source, proxy):
        table = extracted()

    assert proxy.done == 1
    assert staged(platform) - before == {table.path.parent.name}
    assert list(table.path.parent.iterdir()) == [table.path]
    assert pq.read_metadata(table.path).num_rows == table.rows > 1_500
    staging.discard(table)


def test_a_network_that_stays_bad_ends_the_task_and_leaves_nothing(
    platform: Platform, source: PostgresSettings
) -> None:
    before = staged(platform)
    tries = RETRIES + 1
    proxy = CuttingProxy("127.0.0.1", source.port, after=AFTER, cuts=tries)

    with (
        extracting(platform, source, proxy),
        pytest.raises(BackendError, match="server closed the connection") as caught,
    ):
        extracted()

    assert proxy.done == tries
    assert str(source.secret()) not in str(caught.value)
    assert staged(platform) == before
