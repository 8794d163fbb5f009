import datetime as dt
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
)
from mlops_common.files import PARTIAL
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.transfer import Extract, extract
from mlops_common.progress import Advance, Unit, listening
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import small_disk

UTC = dt.UTC
AWKWARD = ["", " ", "a,b", 'say "hi"', "line\nbreak", "\r\n", "\\N", "NULL", "é😀", "'"]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "table.parquet"


def one(postgres: Postgres, target: Path, value: str) -> tuple[str, Any]:
    """Extract one value; return its Arrow type and itself."""
    found = extract(postgres, f"SELECT {value} AS v", target)
    return found.columns["v"], pq.read_table(target).column("v")[0]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("true", "bool", True),
        ("'-32768'::int2", "int16", -32768),
        ("'-2147483648'::int4", "int32", -2147483648),
        ("9223372036854775807::int8", "int64", 9223372036854775807),
        ("1.5::float4", "float", 1.5),
        ("0.1::float8", "double", 0.1),
        ("'inf'::float8", "double", math.inf),
        ("'-inf'::float4", "float", -math.inf),
        ("1.10::numeric(10, 2)", "decimal128(10, 2)", Decimal("1.10")),
        ("1e27::numeric(38, 10)", "decimal128(38, 10)", Decimal("1e27")),
        ("0.1::numeric", "double", 0.1),
        ("'inf'::numeric", "double", math.inf),
        ("1.25::numeric(50, 2)", "double", 1.25),
        ("1234::numeric(5, -2)", "double", 1200.0),
        ("avg(n)", "double", 1.5),
        ("'x'::varchar(3)", "string", "x"),
        ("'x'::char(3)", "string", "x"),
        ("'\\x00ff'::bytea", "binary", b"\x00\xff"),
        ("date '2024-02-29'", "date32[day]", dt.date(2024, 2, 29)),
        ("time '12:34:56.789'", "time64[us]", dt.time(12, 34, 56, 789000)),
        (
            "timestamp '2024-02-29 12:00:00.123456'",
            "timestamp[us]",
            dt.datetime(2024, 2, 29, 12, 0, 0, 123456),  # noqa: DTZ001
        ),
        (
            "timestamptz '2024-02-29 12:00:00+02'",
            "timestamp[us, tz=UTC]",
            dt.datetime(2024, 2, 29, 10, tzinfo=UTC),
        ),
        ("timetz '12:00+02'", "string", "12:00:00+02"),
        ("interval '1 month 2 days'", "string", "1 mon 2 days"),
        (
            "'00000000-0000-0000-0000-00000000000a'::uuid",
            "string",
            "00000000-0000-0000-0000-00000000000a",
        ),
        ("""'{"a": [1, null]}'::json""", "string", '{"a": [1, null]}'),
        ("""'{"a":1}'::jsonb""", "string", '{"a": 1}'),
        ("'{{1,2},{3,4}}'::int[]", "string", "{{1,2},{3,4}}"),
        ("'10.0.0.1'::inet", "string", "10.0.0.1/32"),
        ("'12.5'::money", "string", "$12.50"),
        ("null::int4", "int32", None),
        ("null", "string", None),
    ],
)
def test_a_value_keeps_its_type_and_itself(
    postgres: Postgres, target: Path, value: str, kind: str, expected: object
) -> None:
    query = f"SELECT {value} AS v FROM (VALUES (1), (2)) AS t(n)"  # noqa: S608
    query += "" if "avg" in value else " LIMIT 1"
    found = extract(postgres, query, target)

    assert found == Extract(rows=1, columns={"v": kind})
    assert pq.read_table(target).column("v").to_pylist() == [expected]


@pytest.mark.parametrize("kind", ["float4", "float8", "numeric"])
def test_nan_stays_nan(postgres: Postgres, target: Path, kind: str) -> None:
    _, value = one(postgres, target, f"'NaN'::{kind}")

    assert math.isnan(value.as_py())


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_infinite_times_stay_infinite(
    postgres: Postgres, target: Path, kind: str, sign: str
) -> None:
    extract(postgres, f"SELECT '{sign}infinity'::{kind} AS v", target)

    read = f"SELECT v = '{sign}infinity'::{kind} FROM '{target}'"  # noqa: S608
    assert duckdb.sql(read).fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'NaN'::numeric(5, 1)", "NaN"),
        ("9007199254740993::numeric", "9007199254740993"),
        ("timestamp '294276-01-01'", "294276-01-01 00:00:00"),
    ],
)
def test_a_value_that_would_change_is_refused(
    postgres: Postgres, target: Path, value: str, told: str
) -> None:
    with pytest.raises(ContractError, match=f"column 'v' holds {told}.*cast it"):
        one(postgres, target, value)

    assert list(target.parent.iterdir()) == []


def test_null_and_empty_text_are_told_apart(postgres: Postgres, target: Path) -> None:
    extract(postgres, "SELECT * FROM (VALUES (''), (NULL), (' ')) AS t(v)", target)

    assert pq.read_table(target).column("v").to_pylist() == ["", None, " "]


def test_awkward_text_stays_as_it_is(
    postgres: Postgres, database: str, target: Path
) -> None:
    with postgres.connect(database) as connection:
        connection.execute("CREATE TABLE awkward (n int, v text)")
        connection.cursor().executemany(
            "INSERT INTO awkward VALUES (%s, %s)", list(enumerate(AWKWARD))
        )

    extract(postgres, "SELECT v FROM awkward ORDER BY n", target, database=database)

    assert pq.read_table(target).column("v").to_pylist() == AWKWARD


def test_text_of_another_encoding_becomes_utf8(
    postgres: Postgres, target: Path
) -> None:
    with postgres.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' "
            "TEMPLATE template0"
        )

    extract(postgres, "SELECT chr(233) AS v", target, database="latin")

    assert pq.read_table(target).column("v").to_pylist() == ["é"]


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


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
        st.none() | st.booleans(),
        st.none() | st.decimals(-(10**8), 10**8, places=3),
        st.none() | st.dates(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.binary(),
    ),
    max_size=20,
)
COLUMNS = "i int8, f float8, t text, b bool, d numeric(12, 3), y date, z timestamptz"


@given(rows=ROWS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_rows_survive_the_round_trip(
    postgres: Postgres, target: Path, rows: list[tuple[Any, ...]]
) -> None:
    with postgres.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS trip")
        connection.execute(f"CREATE TABLE trip (n serial, {COLUMNS}, x bytea)")
        connection.cursor().executemany(
            "INSERT INTO trip (i, f, t, b, d, y, z, x) VALUES "
            "(%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )

    extract(postgres, "SELECT i, f, t, b, d, y, z, x FROM trip ORDER BY n", target)

    read = [tuple(row.values()) for row in pq.read_table(target).to_pylist()]
    assert read == rows


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
