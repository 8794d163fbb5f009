"""The feature store with its online store in Redis, and on another PostgreSQL."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.ports import free_port
from mlops_common.postgres.database import Postgres
from mlops_common.processes import LOOPBACK
from mlops_common.sections import FeastSettings, PostgresSettings, RedisSettings
from mlops_common.settings import Settings
from mlops_common.testing.external_postgres import PASSWORD, external_postgres
from uc1_churn.bootstrap import feature_store
from uc1_churn.feature_store.historical import schema
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.features.schema import FeatureSchema, FeatureTable
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
TABLES = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'remote%'"
VIEWS = "SELECT count(*) FROM feature_views"


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
        assert connection.execute(TABLES).fetchone() == (0,)


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


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresSettings]:
    """A PostgreSQL by TCP, with a password and TLS."""
    with external_postgres(tls=True) as settings:
        yield settings.model_copy(update={"pool_size": 2, "max_overflow": 7})


@pytest.fixture
def elsewhere(server: PostgresSettings, tmp_path: Path) -> FeatureStore:
    """A store by settings that name a server for it, and for nothing else."""
    feast = FeastSettings(postgres=server, repo_path=tmp_path / "repository")
    return feature_store(Platform(Settings(home=tmp_path / "home", feast=feast)))


def test_another_postgresql_has_registry_and_values_and_no_file_its_password(
    elsewhere: FeatureStore, table: FeatureTable, tmp_path: Path
) -> None:
    elsewhere.materialize(table)

    online = elsewhere.online(COLUMNS, [2, 1, 3])
    assert online["spend"].to_pylist() == [None, 1.5, None]
    assert online["plan"].to_pylist() == ["b", "a", None]
    with elsewhere.postgres.connect(elsewhere.database) as connection:
        assert connection.execute(TABLES).fetchone() != (0,)
        assert connection.execute(VIEWS).fetchone() != (0,)
    assert not (tmp_path / "home" / "postgres").exists()
    written = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert b"${PGPASSWORD}" in written
    assert PASSWORD.encode() not in written
    assert quote(PASSWORD, safe="").encode() not in written


def test_the_registry_keeps_as_many_connections_as_the_settings_say(
    elsewhere: FeatureStore,
) -> None:
    with elsewhere.opened(COLUMNS.dataset) as opened:
        registry: Any = opened.registry
        pool = registry.write_engine.pool

        assert (pool.size(), pool._max_overflow) == (2, 7)
