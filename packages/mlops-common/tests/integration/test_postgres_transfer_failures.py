"""Extracts that are refused, fail, or are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
)
from mlops_common.files import PARTIAL
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.transfer import extract
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import small_disk


def test_a_missing_table_is_named_with_the_others(
    postgres: Postgres, database: str, target: Path
) -> None:
    with postgres.connect(database) as connection:
        connection.execute("CREATE TABLE customers (customer_id int, age int)")

    with pytest.raises(NotFoundError, match=r'"custmers" does not.*tables: customers'):
        extract(postgres, "SELECT * FROM custmers", target, database=database)
    with pytest.raises(NotFoundError, match=r'"aeg" does not.*: age, customer_id'):
        extract(postgres, "SELECT aeg FROM customers", target, database=database)


@pytest.mark.parametrize(
    "query", ["DROP TABLE x", "SELECT 1; SELECT 2", "SELEC 1", ") AS t; DROP TABLE x"]
)
def test_what_is_not_one_select_is_refused(
    postgres: Postgres, target: Path, query: str
) -> None:
    with pytest.raises(ConfigError, match="expected one SELECT"):
        extract(postgres, query, target)


@pytest.mark.parametrize(
    ("query", "told"), [("SELECT 1, 2", "several columns"), ("SELECT", "no columns")]
)
def test_columns_need_distinct_names(
    postgres: Postgres, target: Path, query: str, told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        extract(postgres, query, target)


def test_an_extract_writes_nothing_to_the_database(
    postgres: Postgres, database: str, target: Path
) -> None:
    with postgres.connect(database) as connection:
        connection.execute("CREATE SEQUENCE counter")

    with pytest.raises(ConfigError, match="read-only"):
        extract(postgres, "SELECT nextval('counter') AS n", target, database=database)


def test_a_forbidden_table_is_told_so(
    postgres: Postgres, database: str, target: Path
) -> None:
    with postgres.connect(database) as connection:
        connection.execute("CREATE ROLE guest LOGIN; CREATE TABLE secret (n int)")
    folder = str(postgres.parameters()["host"])
    guest = Postgres(PostgresSettings(host=folder, user="guest"), None)

    with pytest.raises(ConfigError, match="permission denied for table secret"):
        extract(guest, "TABLE secret", target, database=database)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("CASE WHEN n > 0 THEN 'out of memory' END::int", "invalid input syntax"),
        ("sqrt(-n)", "square root of a negative number"),
    ],
)
def test_a_query_that_fails_on_a_row_is_not_worth_a_retry(
    postgres: Postgres, target: Path, value: str, told: str
) -> None:
    query = f"SELECT {value} AS v FROM generate_series(1, 3) AS n"  # noqa: S608

    with pytest.raises(ContractError, match=f"{told}.*of the query for"):
        extract(postgres, query, target)


def test_a_failed_extract_leaves_the_old_file(postgres: Postgres, target: Path) -> None:
    extract(postgres, "SELECT 1 AS v", target)

    late = "SELECT 1 / (99999 - n) AS v FROM generate_series(1, 100000) AS n"
    with pytest.raises(ContractError, match="division by zero"):
        extract(postgres, late, target)

    assert pq.read_table(target).column("v").to_pylist() == [1]
    assert list(target.parent.iterdir()) == [target]


SLOW = "SELECT n, pg_sleep(0.001)::text AS v FROM generate_series(1, 100000) AS n"


def test_a_killed_extract_leaves_the_old_file_and_no_hindrance(
    postgres: Postgres, target: Path
) -> None:
    extract(postgres, "SELECT 1 AS v", target)
    assert postgres.server is not None
    code = f"""
from pathlib import Path
from mlops_common.sections import PostgresSettings
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.postgres.transfer import extract

server = EmbeddedServer(Path({str(postgres.server.home)!r}))
extract(Postgres(PostgresSettings(), server), {SLOW!r}, Path({str(target)!r}))
"""
    with subprocess.Popen([sys.executable, "-c", code]) as extractor:
        while len(list(target.parent.iterdir())) == 1:
            assert extractor.poll() is None
            time.sleep(0.01)
        os.kill(extractor.pid, signal.SIGKILL)

    assert pq.read_table(target).column("v").to_pylist() == [1]
    (leftover,) = target.parent.glob(f"{PARTIAL}*")
    os.utime(leftover, (0, 0))
    extract(postgres, "SELECT 2 AS v", target)
    assert pq.read_table(target).column("v").to_pylist() == [2]
    assert list(target.parent.iterdir()) == [target]


def test_a_full_disk_is_told_so_and_leaves_nothing(
    postgres: Postgres, tmp_path: Path
) -> None:
    wide = "SELECT md5(n::text) AS v FROM generate_series(1, 200000) AS n"
    with small_disk(tmp_path, megabytes=1):
        with pytest.raises(
            BackendError, match=f"cannot write {tmp_path}.*: No space left"
        ):
            extract(postgres, wide, tmp_path / "table.parquet")

        assert list(tmp_path.iterdir()) == []


def test_the_password_is_in_no_message(
    postgres: Postgres, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(postgres.parameters()["host"])
    settings = PostgresSettings.model_validate({"host": folder, "password": "hidden"})
    other = Postgres(settings, None)
    monkeypatch.setattr(
        other,
        "conninfo",
        lambda *_, **__: "host=/nowhere password=hidden connect_timeout=1",
    )
    monkeypatch.setattr(other, "connect", postgres.connect)

    with pytest.raises(BackendError, match="was lost; try again") as caught:
        extract(other, "SELECT 1 AS v", target)

    assert "hidden" not in f"{caught.value!r}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("pg_terminate_backend", "terminating connection"),
        ("pg_cancel_backend", "canceling statement"),
    ],
)
def test_a_broken_connection_is_a_failure_that_may_be_retried(
    postgres: Postgres, target: Path, end: str, told: str
) -> None:
    cut = f"SELECT {end}(pg_backend_pid()) AS v"

    with pytest.raises(BackendError, match=told):
        extract(postgres, cut, target)

    assert list(target.parent.iterdir()) == []


def test_a_query_that_takes_too_long_is_ended_and_names_the_setting(
    postgres: Postgres, tmp_path: Path
) -> None:
    impatient = Postgres(PostgresSettings(statement_timeout=1), postgres.server)

    with pytest.raises(ConfigError, match=r"longer than 1 s .*statement_timeout"):
        extract(impatient, "SELECT pg_sleep(60)::text AS slept", tmp_path / "a.parquet")

    assert list(tmp_path.iterdir()) == []
