import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from mlops_common.bootstrap import connect
from mlops_common.errors import BackendError, ConfigError, NotFoundError
from mlops_common.parts.overview import overview
from mlops_common.postgres import placement
from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings
from mlops_common.settings import Settings
from mlops_common.testing.postgres import temporary_postgres

SECRET = "it's a \\ secret @/:?"  # noqa: S105


def external(port: int, **values: object) -> Postgres:
    settings = PostgresSettings.model_validate(
        {"host": "127.0.0.1", "port": port, "sslmode": "disable", **values}
    )
    return Postgres(settings, None)


def piped(source: socket.socket, sink: socket.socket) -> None:
    with closing(sink):
        while data := source.recv(65536):
            sink.sendall(data)


def forwarded(listener: socket.socket, path: Path) -> None:
    """Connect each client of `listener` to the socket at `path`."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(path))
        for pair in ((client, server), (server, client)):
            threading.Thread(target=quietly_piped, args=pair, daemon=True).start()


def quietly_piped(source: socket.socket, sink: socket.socket) -> None:
    try:
        piped(source, sink)
    except OSError:
        return


@pytest.fixture(scope="module")
def guarded() -> Iterator[int]:
    """The loopback port of a second server, which asks for a password."""
    with temporary_postgres() as postgres, closing(socket.socket()) as listener:
        assert postgres.server is not None
        with postgres.connect(autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("ALTER ROLE postgres PASSWORD {}").format(
                    psycopg.sql.Literal(SECRET)
                )
            )
            connection.execute("CREATE ROLE limited LOGIN PASSWORD 'limited'")
            data = placement.locate(postgres.server.home).data
            (data / "pg_hba.conf").write_text("local all all scram-sha-256\n")
            connection.execute("SELECT pg_reload_conf()")
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        path = postgres.server.socket_dir / placement.SOCKET
        threading.Thread(target=forwarded, args=(listener, path), daemon=True).start()
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_every_client_reaches_the_embedded_server(postgres: Postgres) -> None:
    url = postgres.sqlalchemy_url("with blank", driver="psycopg")
    found = postgres.parameters("with blank")

    assert url.startswith("postgresql+psycopg://postgres@/with blank?host=%2F")
    with psycopg.connect(**found) as connection:  # type: ignore[arg-type]
        row = connection.execute("SELECT current_database()").fetchone()
    assert row == ("with blank",)


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_sqlalchemy_reads_the_url(postgres: Postgres, driver: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip(driver)
    engine = sqlalchemy.create_engine(postgres.sqlalchemy_url("mlflow", driver))

    with engine.connect() as connection:
        name = connection.execute(sqlalchemy.text("SELECT current_database()")).scalar()
    engine.dispose()

    assert name == "mlflow"


def test_a_database_is_made_once_by_many(postgres: Postgres) -> None:
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(postgres.ensure_database, ["raced"] * 8))

    with postgres.connect("raced") as connection:
        assert connection.info.dbname == "raced"


def test_an_unreachable_server_is_named_with_the_remedy(closed_port: int) -> None:
    with pytest.raises(
        BackendError,
        match=rf"127\.0\.0\.1:{closed_port} cannot be reached.*postgres\.host",
    ):
        external(closed_port).connect()


def test_a_password_of_any_characters_is_passed_on(guarded: int) -> None:
    postgres = external(guarded, password=SecretStr(SECRET))

    with postgres.connect() as connection:
        assert connection.info.user == "postgres"


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_wrong_password_is_named_with_the_remedy(
    guarded: int, password: str | None
) -> None:
    with pytest.raises(
        ConfigError, match=r"password of user 'postgres'.*MLOPS_POSTGRES__PASSWORD"
    ) as caught:
        external(guarded, password=password).connect()

    assert "wrong" not in str(caught.value)


def test_an_unknown_database_is_named(guarded: int) -> None:
    postgres = external(guarded, password=SECRET)

    with pytest.raises(NotFoundError, match=r"no database 'nowhere' on 127\.0\.0\.1"):
        postgres.connect("nowhere")


def test_a_user_who_may_not_make_a_database_is_told_so(guarded: int) -> None:
    postgres = external(guarded, user="limited", password="limited")  # noqa: S106

    with pytest.raises(ConfigError, match="may not create the database 'fresh'"):
        postgres.ensure_database("fresh")


def test_a_database_that_exists_needs_no_access_to_another(postgres: Postgres) -> None:
    postgres.ensure_database("own")
    with postgres.connect("postgres", autocommit=True) as connection:
        connection.execute("CREATE ROLE confined LOGIN")
        connection.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    folder = str(postgres.parameters()["host"])
    confined = Postgres(PostgresSettings(host=folder, user="confined"), None)

    try:
        confined.ensure_database("own")
        with pytest.raises(ConfigError, match="permission denied for database"):
            confined.ensure_database("other")
    finally:
        with postgres.connect("postgres", autocommit=True) as connection:
            connection.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")
            connection.execute("DROP ROLE confined")


def test_the_status_tells_that_an_external_server_is_reachable(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.ensure_database("customers")
    folder = str(postgres.parameters()["host"])
    settings = Settings(home=tmp_path, postgres=PostgresSettings(host=folder))

    row = next(r for r in overview(connect(settings)) if r.name == "postgres")
    assert (row.url, row.state, row.health) == (f"{folder}:5432", "external", "ok")


def test_an_unknown_user_is_told_so(postgres: Postgres) -> None:
    folder = str(postgres.parameters()["host"])
    stranger = Postgres(PostgresSettings(host=folder, user="stranger"), None)

    with pytest.raises(ConfigError, match=r"does not admit user 'stranger'.*stranger"):
        stranger.connect()
