"""The feature store with its online store in Redis, and on another PostgreSQL."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.postgres.database import Postgres
from mlops_common.processes import LOOPBACK, free_port
from mlops_common.sections import RedisSettings
from mlops_common.settings import Settings
from uc1_churn.bootstrap import feature_store
from uc1_churn.feature_schema import FeatureSchema, FeatureTable
from uc1_churn.feature_store import FeatureStore
from uc1_churn.historical import schema
from uc1_churn.testing.redis import redis_server

pytestmark = pytest.mark.cluster

SECRET = 'hunter2,"with a comma\\'  # noqa: S105 - made up
COLUMNS = FeatureSchema(
    dataset="remote",
    entity="customer_id",
    entity_type="integer",
    numeric=("spend",),
    categorical=("plan",),
    timestamp="observed_at",
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisSettings]:
    """A Redis that asks for a password."""
    with redis_server(tmp_path_factory.mktemp("redis"), SECRET) as settings:
        yield settings


@pytest.fixture
def table(tmp_path: Path) -> FeatureTable:
    fields = [field for field in schema(COLUMNS) if field.name != "label"]
    instant = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    arrays = [[1, 2], [instant, instant], [1.5, None], ["a", "b"]]
    path = tmp_path / "features.parquet"
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), path)
    return FeatureTable(columns=COLUMNS, path=path)


def test_redis_serves_what_was_materialized_and_no_file_holds_its_password(
    postgres: Postgres, redis: RedisSettings, table: FeatureTable, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    store = FeatureStore(postgres, folder, database="feast_redis", redis=redis)

    store.materialize(table)

    online = store.online(COLUMNS, [2, 1, 3])
    assert online["spend"].to_pylist() == [None, 1.5, None]
    assert online["plan"].to_pylist() == ["b", "a", None]
    written = b"".join(f.read_bytes() for f in folder.rglob("*") if f.is_file())
    assert b"hunter2" not in written
    assert b"${REDIS_PASSWORD}" in written
    with postgres.connect("feast_redis") as connection:
        query = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'remote%'"
        assert connection.execute(query).fetchone() == (0,)


def test_feast_itself_reads_the_rendered_repository(
    postgres: Postgres, redis: RedisSettings, table: FeatureTable, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    store = FeatureStore(postgres, folder, database="feast_redis", redis=redis)
    store.apply(table)

    command = ["-c", str(folder / "remote"), "feature-views", "list"]
    listed = subprocess.run(
        [sys.executable, "-c", "from feast.cli.cli import cli; cli()", *command],
        env={**os.environ, "REDIS_PASSWORD": "unused", "FEAST_USAGE": "False"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert listed.returncode == 0, listed.stderr
    assert "customer_features" in listed.stdout


def test_a_redis_that_is_away_is_an_error_that_may_pass(
    postgres: Postgres, table: FeatureTable, tmp_path: Path
) -> None:
    away = RedisSettings(host=LOOPBACK, port=free_port())
    store = FeatureStore(postgres, tmp_path, database="feast_redis", redis=away)

    with pytest.raises(BackendError, match="could not materialize the features"):
        store.materialize(table)


def test_the_settings_name_another_server_for_the_feature_store(tmp_path: Path) -> None:
    values = {"home": tmp_path, "feast": {"postgres": {"host": "features.example"}}}
    settings = Settings.model_validate(values)

    store = feature_store(Platform(settings))

    assert store.postgres.settings.host == "features.example"
    assert store.redis is None
