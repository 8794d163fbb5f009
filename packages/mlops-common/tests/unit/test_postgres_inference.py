from collections.abc import Iterator

import duckdb
import pytest

from mlops_common.postgres import engine, inference


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with engine.engine(threads=1, memory="100MB") as opened:
        opened.execute(inference.MACROS)
        yield opened


def passes(connection: duckdb.DuckDBPyConnection, test: str, value: str) -> bool:
    row = connection.execute(f"SELECT is_{test}(?)", [value]).fetchone()
    return bool(row and row[0])


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("bigint", "-9223372036854775808"),
        ("numeric", "99999999999999999999"),
        ("double", "-1.5e-3"),
        ("double", "0.5"),
        ("boolean", "TRUE"),
        ("date", "2024-02-29"),
        ("timestamp", "2024-02-29T10:00:00.123456"),
        ("timestamp", "2024-02-29"),
        ("timestamptz", "2024-02-29 10:00:00Z"),
        ("timestamptz", "2024-02-29 10:00:00.5+05:30"),
        ("timestamptz", "2024-02-29 10:00:00-07"),
        ("text", "anything"),
    ],
)
def test_a_value_of_the_type_passes(
    connection: duckdb.DuckDBPyConnection, test: str, value: str
) -> None:
    assert passes(connection, test, value)


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("bigint", "007"),
        ("bigint", "1.5"),
        ("bigint", "1e3"),
        ("bigint", "9223372036854775808"),
        ("bigint", " 1"),
        ("double", "007"),
        ("double", "1_000"),
        ("boolean", "t"),
        ("boolean", "yes"),
        ("date", "2023-02-29"),
        ("date", "20240229"),
        ("timestamp", "2024-02-29 10:00:00Z"),
        ("timestamp", "infinity"),
        ("timestamptz", "2024-02-29 10:00:00"),
        ("timestamptz", "2024-02-29"),
        ("text", 'a "quoted" word'),
    ],
)
def test_a_value_that_would_lose_something_does_not_pass(
    connection: duckdb.DuckDBPyConnection, test: str, value: str
) -> None:
    assert not passes(connection, test, value)


def test_a_first_look_leaves_out_what_it_cannot_tell(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    relation = "(VALUES ('1', '1', NULL), ('2', ' ', NULL)) AS t(sure, dirty, absent)"

    suggested = inference.suggest(connection, relation, ["sure", "dirty", "absent"])

    assert suggested == {"sure": "bigint"}
