"""A server that is not ours: by TCP, with a password, with TLS, and with bad luck."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from mlflow.store.db.utils import create_sqlalchemy_engine
from pydantic import SecretStr

from mlops_common.errors import BackendError, ConfigError
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import load_file
from mlops_common.postgres.transfer import extract
from mlops_common.sections import MlflowSettings, PostgresSettings
from mlops_common.testing.external_postgres import PASSWORD, external_postgres
from mlops_common.testing.network import CuttingProxy
from mlops_common.tracking import variables

ENCRYPTED = """
SELECT bool_and(ssl) AS encrypted, count(*) > 0 AS seen FROM pg_stat_ssl
JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL
"""
MANY = "SELECT n, repeat('x', 100) AS text FROM generate_series(1, 50000) AS n"


@pytest.fixture(scope="module")
def plain() -> Iterator[PostgresSettings]:
    with external_postgres() as settings:
        Postgres(settings, None).ensure_database(settings.database)
        yield settings


@pytest.fixture(scope="module")
def encrypted() -> Iterator[PostgresSettings]:
    with external_postgres(tls=True) as settings:
        Postgres(settings, None).ensure_database(settings.database)
        yield settings


def changed(settings: PostgresSettings, **values: object) -> Postgres:
    return Postgres(settings.model_copy(update=values), None)


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_an_extract_is_encrypted(
    encrypted: PostgresSettings, tmp_path: Path, sslmode: str
) -> None:
    target = tmp_path / "connections.parquet"

    extract(changed(encrypted, sslmode=sslmode), ENCRYPTED, target)

    assert pq.read_table(target).to_pylist() == [{"encrypted": True, "seen": True}]


def test_encryption_without_certificates_is_possible(
    encrypted: PostgresSettings,
) -> None:
    postgres = changed(encrypted, sslmode="require", sslrootcert=None)

    with postgres.connect() as connection:
        assert connection.execute(ENCRYPTED).fetchone() == (True, True)


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_sqlalchemy_checks_the_certificate(
    encrypted: PostgresSettings, driver: str
) -> None:
    url = changed(encrypted).sqlalchemy_url(encrypted.database, driver)

    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sa.text(ENCRYPTED)).one() == (True, True)


def test_asyncpg_is_told_of_the_certificates_by_a_variable(
    encrypted: PostgresSettings,
) -> None:
    postgres = changed(encrypted)

    url = postgres.sqlalchemy_url(encrypted.database, "asyncpg")

    assert url.endswith("?ssl=verify-full")
    assert postgres.variables == {"PGSSLROOTCERT": str(encrypted.sslrootcert)}


def test_a_certificate_that_nobody_signed_is_refused_with_the_remedy(
    encrypted: PostgresSettings, tmp_path: Path
) -> None:
    with external_postgres(tls=True) as other:
        assert other.sslrootcert is not None
        strange = tmp_path / "other.crt"
        strange.write_bytes(other.sslrootcert.read_bytes())

    with pytest.raises(ConfigError, match=r"certificate.*postgres\.sslrootcert"):
        changed(encrypted, sslrootcert=strange).connect()


def test_a_missing_file_of_certificates_is_named(
    encrypted: PostgresSettings, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.crt"

    with pytest.raises(ConfigError, match=r"sslrootcert names no file: .*missing\.crt"):
        changed(encrypted, sslrootcert=missing).connect()


def test_a_server_that_wants_encryption_says_so(encrypted: PostgresSettings) -> None:
    with pytest.raises(ConfigError, match=r"no encryption.*postgres\.sslmode"):
        changed(encrypted, sslmode="disable").connect()


def test_a_server_that_offers_no_encryption_says_so(plain: PostgresSettings) -> None:
    with pytest.raises(ConfigError, match=r"not support SSL.*postgres\.sslmode"):
        changed(plain, sslmode="require").connect()


def test_a_wrong_password_is_refused_without_showing_it(
    plain: PostgresSettings,
) -> None:
    wrong = SecretStr("open sesame")

    with pytest.raises(ConfigError) as caught:
        changed(plain, password=wrong).connect()

    assert "MLOPS_POSTGRES__PASSWORD" in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_connection_reset_in_an_extract_leaves_what_was_there(
    plain: PostgresSettings, tmp_path: Path
) -> None:
    target = tmp_path / "table.parquet"
    extract(changed(plain), "SELECT 1 AS n", target)
    before = target.read_bytes()
    proxy = CuttingProxy("127.0.0.1", plain.port, after=500_000, cuts=1)

    with proxy.serving(), pytest.raises(BackendError) as caught:
        extract(changed(plain, port=proxy.port), MANY, target)

    assert proxy.done == 1
    assert PASSWORD not in str(caught.value)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_an_extract_after_a_reset_works_by_itself(
    plain: PostgresSettings, tmp_path: Path
) -> None:
    target = tmp_path / "table.parquet"
    proxy = CuttingProxy("127.0.0.1", plain.port, after=500_000, cuts=1)
    with proxy.serving():
        postgres = changed(plain, port=proxy.port)
        with pytest.raises(BackendError):
            extract(postgres, MANY, target)

        assert extract(postgres, MANY, target).rows == 50_000


def test_a_connection_reset_in_a_load_leaves_no_table(
    plain: PostgresSettings, tmp_path: Path
) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("n\n" + "".join(f"{n}\n" for n in range(400_000)), "utf-8")
    proxy = CuttingProxy("127.0.0.1", plain.port, after=500_000, cuts=1)

    with proxy.serving(), pytest.raises(BackendError):
        load_file(changed(plain, port=proxy.port), file, "cut")

    assert proxy.done == 1
    loaded = load_file(changed(plain), file, "cut")
    assert loaded.rows == 400_000
    with changed(plain).connect() as connection:
        found = "SELECT relname FROM pg_class WHERE relname LIKE 'loading%'"
        assert connection.execute(found).fetchall() == []


def test_a_query_of_ours_is_ended_in_time(
    plain: PostgresSettings, tmp_path: Path
) -> None:
    hasty = changed(plain, statement_timeout=1)

    with pytest.raises(ConfigError, match=r"longer than 1 s on .*statement_timeout"):
        extract(hasty, "SELECT pg_sleep(600)::text AS t", tmp_path / "table.parquet")

    assert list(tmp_path.iterdir()) == []


def test_mlflow_keeps_as_many_connections_as_the_settings_say(
    plain: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = plain.model_copy(update={"pool_size": 2, "max_overflow": 3})
    for name, value in variables(MlflowSettings(), settings).items():
        monkeypatch.setenv(name, value)
    url = Postgres(settings, None).sqlalchemy_url("pooled")
    engine = create_sqlalchemy_engine(url)  # type: ignore[no-untyped-call]
    try:
        with engine.connect() as one, engine.connect() as another:
            used = [c.execute(sa.text("SELECT 1")).scalar() for c in (one, another)]
            assert used == [1, 1]
            assert engine.pool.checkedout() == engine.pool.size() == 2
            assert engine.pool._max_overflow == 3
    finally:
        engine.dispose()
