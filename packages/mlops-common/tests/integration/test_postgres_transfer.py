"""Extracts of tables and queries, as one moment has them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from mlops_common.errors import (
    NotFoundError,
)
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.transfer import Extract, extract
from mlops_common.progress import Advance, Unit, listening


def test_an_empty_table_keeps_its_columns(
    postgres: Postgres, database: str, target: Path
) -> None:
    with postgres.connect(database) as connection:
        connection.execute("CREATE TABLE nobody (id bigint, name text)")

    found = extract(postgres, "TABLE nobody", target, database=database)

    assert found == Extract(rows=0, columns={"id": "int64", "name": "string"})
    assert pq.read_table(target).num_rows == 0


def test_a_wide_table_keeps_every_column(postgres: Postgres, target: Path) -> None:
    values = ", ".join(f"{n} AS c{n}" for n in range(1000))

    found = extract(postgres, f"SELECT {values}", target)

    assert list(found.columns) == [f"c{n}" for n in range(1000)]
    assert list(pq.read_table(target).to_pylist()[0].values()) == list(range(1000))


def test_names_stay_as_they_are(postgres: Postgres, target: Path) -> None:
    found = extract(postgres, """SELECT 1 AS "A b", 2 AS "it's ""x"" % {}" """, target)

    assert list(found.columns) == ["A b", 'it\'s "x" % {}']


@pytest.mark.parametrize(
    "query",
    [
        "WITH t AS (SELECT 1 AS v) SELECT v FROM t;",
        "SELECT 1 AS v -- a comment",
        "VALUES (1)",
        "SELECT 1 AS v UNION ALL SELECT 2 ORDER BY v LIMIT 1",
        sql.SQL("SELECT {} AS v").format(sql.Literal(1)),
    ],
)
def test_any_select_is_taken(
    postgres: Postgres, target: Path, query: str | sql.Composable
) -> None:
    assert extract(postgres, query, target).rows == 1


@pytest.fixture
def busy(postgres: Postgres, database: str) -> Iterator[str]:
    """A table in which two rows always sum to zero, while a writer shifts them."""
    with postgres.connect(database) as connection:
        connection.execute(
            "CREATE TABLE balance AS"
            " SELECT n, CASE n % 2 WHEN 0 THEN 1 ELSE -1 END AS v"
            " FROM generate_series(1, 20000) AS n"
        )
    stop = threading.Event()

    def shift() -> None:
        with postgres.connect(database) as connection:
            while not stop.is_set():
                connection.execute("UPDATE balance SET v = -v WHERE n <= 2")
                connection.execute("INSERT INTO balance VALUES (0, 5), (0, -5)")
                connection.commit()

    writer = threading.Thread(target=shift)
    writer.start()
    yield database
    stop.set()
    writer.join()


def test_an_extract_sees_one_moment(
    postgres: Postgres, busy: str, target: Path
) -> None:
    sums = set()
    for _ in range(5):
        found = extract(postgres, "TABLE balance", target, database=busy)
        table = pq.read_table(target)
        assert found.rows == table.num_rows
        sums.add(pa.compute.sum(table.column("v")).as_py())

    assert sums == {0}


def test_the_same_rows_give_the_same_bytes(postgres: Postgres, target: Path) -> None:
    query = "SELECT n, n / 7.0::float8 AS v FROM generate_series(1, 200000) AS n"
    extract(postgres, query, target)
    first = target.read_bytes()

    extract(postgres, query, target)

    assert target.read_bytes() == first


def test_a_long_extract_tells_how_many_rows_were_sent(
    postgres: Postgres, target: Path
) -> None:
    class Listener:
        def __init__(self) -> None:
            self.total, self.seen = 0.0, [0.0]

        @contextmanager
        def step(
            self, description: str, total: float | None, unit: Unit
        ) -> Iterator[Advance]:
            assert (description, unit) == (f"Extract {target.stem}", "")
            self.total = total or 0.0
            yield self.seen.append

    listener = Listener()
    # The server needs two seconds for them, and knows how many there will be.
    slow = "SELECT n, pg_sleep(0.002)::text FROM generate_series(1, 1000) AS n"

    with listening(listener):
        found = extract(postgres, slow, target)

    assert listener.total == found.rows == 1000
    assert 0 < sum(listener.seen) <= 1000


def test_more_is_asked_of_the_server_on_the_connection_of_the_extract(
    postgres: Postgres, target: Path
) -> None:
    asked: list[Any] = []

    def look(connection: psycopg.Connection) -> None:
        asked.extend(connection.execute("SHOW transaction_read_only").fetchall())

    assert extract(postgres, "SELECT 1 AS n", target, look=look).rows == 1
    assert asked == [("on",)]


def test_a_question_that_the_server_refuses_ends_no_extract(
    postgres: Postgres, target: Path
) -> None:
    def look(connection: psycopg.Connection) -> None:
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT FROM nowhere")

    assert extract(postgres, "SELECT 1 AS n", target, look=look).rows == 1


def test_nothing_more_is_asked_for_a_query_that_is_refused(
    postgres: Postgres, target: Path
) -> None:
    with pytest.raises(NotFoundError):
        extract(
            postgres, "SELECT FROM nowhere", target, look=lambda _: pytest.fail("asked")
        )
