"""What becomes of values and rows that are extracted."""

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_common.errors import (
    ContractError,
)
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.transfer import Extract, extract

UTC = dt.UTC
AWKWARD = ["", " ", "a,b", 'say "hi"', "line\nbreak", "\r\n", "\\N", "NULL", "é😀", "'"]


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
