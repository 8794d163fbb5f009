"""The whole pipeline on a PostgreSQL server that is not ours."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.config import load
from mlops_common.home import reset
from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings
from mlops_common.testing.command import mlops
from mlops_common.testing.external_postgres import (
    PASSWORD,
    external_postgres,
    variables,
)

pytestmark = pytest.mark.cluster

DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate"
LOGGED = """
SELECT count(*) > 0, bool_and(probability BETWEEN 0 AND 1) FROM serving.predictions
"""
CLIENTS = """
SELECT datname, bool_and(ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
WHERE client_addr IS NOT NULL GROUP BY datname
"""


class Ran(NamedTuple):
    """What a demo left behind."""

    postgres: Postgres
    settings: PostgresSettings
    home: Path
    result: dict[str, Any]
    said: str


@pytest.fixture(scope="module", params=[False, True], ids=["password", "TLS"])
def ran(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ran]:
    """A demo on a new server, which admits those with a password alone."""
    folder = tmp_path_factory.mktemp("external")
    with external_postgres(tls=request.param) as settings:
        given = {
            **variables(settings),
            "MLOPS_HOME": str(folder / "home"),
            "PREFECT_HOME": str(folder / "prefect"),
        }
        words = ("demo", "--customers=500", "--months=4", "--json")
        try:
            said = mlops(*words, variables=given, folder=folder)
            assert said.code == 0, said.err
            result = json.loads(said.out)
            postgres = Postgres(settings, None)
            yield Ran(postgres, settings, folder, result, said.out + said.err)
        finally:
            reset(Platform(load(environ=given).settings))


def test_every_part_has_its_database_there(ran: Ran) -> None:
    with ran.postgres.connect() as connection:
        found = {name for (name,) in connection.execute(DATABASES).fetchall()}

    assert {"customers", "mlflow", "feast", "prefect", "mlops"} <= found
    assert not (ran.home / "home" / "postgres").exists()


@pytest.mark.parametrize(
    ("database", "query"),
    [
        ("mlflow", "SELECT count(*) FROM model_versions"),
        ("feast", "SELECT count(*) FROM feature_views"),
        ("prefect", "SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'"),
    ],
    ids=["MLflow", "Feast", "Prefect"],
)
def test_every_part_wrote_to_it(ran: Ran, database: str, query: str) -> None:
    with ran.postgres.connect(database) as connection:
        (count,) = connection.execute(query.encode()).fetchone() or (0,)

    assert count > 0


def test_predictions_are_logged_there(ran: Ran) -> None:
    """The smoke request and the check of parity asked before the demo ended."""
    with ran.postgres.connect("mlops") as connection:
        row = connection.execute(LOGGED).fetchone()

    assert row == (True, True)


def test_every_connection_is_as_safe_as_the_settings_say(ran: Ran) -> None:
    with ran.postgres.connect() as connection:
        rows = connection.execute(CLIENTS).fetchall()

    found: dict[str, bool] = dict(rows)
    assert {"customers", "prefect", "mlops"} <= set(found)
    assert set(found.values()) == {ran.settings.sslmode == "verify-full"}


def test_the_password_is_nowhere(ran: Ran) -> None:
    """Neither in what was printed, nor in a log, a report or a rendered file."""
    forms = {PASSWORD, quote(PASSWORD, safe="")}
    texts = {"output": ran.said} | {
        str(path): path.read_bytes().decode("utf-8", "ignore")
        for path in ran.home.rglob("*")
        if path.is_file()
    }

    assert len(texts) > 20
    assert [name for name, text in texts.items() if any(f in text for f in forms)] == []
