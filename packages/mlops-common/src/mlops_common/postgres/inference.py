"""The narrowest types that hold the columns of a CSV file without loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import duckdb

from mlops_common.postgres import engine

MACROS = (files("mlops_common.postgres") / "sql" / "inference.sql").read_text("utf-8")
SAMPLE = 5_000  # rows that suggest a type, against which all rows are then held
# Type of the column in PostgreSQL by name of a test, narrowest first.
TYPES = {
    "bigint": "bigint",
    "numeric": "numeric",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "text": "text",
}
TEXT = "text"


@dataclass(frozen=True, slots=True)
class Inferred:
    """What the values of a file allow.

    Attributes:
        types: Type in PostgreSQL by column, in order.
        rows: Number of rows.
        blanks: Values of columns other than text that are empty or only white space.
        plain: Whether PostgreSQL reads every value of the file as it stands.
    """

    types: dict[str, str]
    rows: int
    blanks: int
    plain: bool


def suggest(
    connection: duckdb.DuckDBPyConnection, relation: str, names: Sequence[str]
) -> dict[str, str]:
    """Return the test that the first values of a column pass, as they stand.

    Columns without one (no value there, or a blank among numbers) are left out.

    Args:
        connection: Where the relation is known.
        relation: What stands after FROM; all its columns hold text.
        names: The columns.

    Raises:
        duckdb.Error: The file cannot be read.
    """
    connection.execute(MACROS)
    sample = f"(FROM {relation} LIMIT {SAMPLE})"
    tests = {name: test for name, test, _ in _judged(connection, sample, names)}
    _, filled = _confirmed(connection, sample, tests)
    return {name: test for name, test in tests.items() if filled.get(name)}


def confirm(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    names: Sequence[str],
    suggested: dict[str, str],
) -> Inferred:
    """Return the types of the columns, after a look at every value.

    One pass holds all values against the suggestions. Columns that do not fit theirs
    (a blank among numbers, a word in row 900,000) are judged in one more pass.

    Args:
        connection: Where the relation is known.
        relation: What stands after FROM; all its columns hold text.
        names: The columns.
        suggested: A test by column, from `suggest`.

    Raises:
        duckdb.Error: The file cannot be read to its end.
    """
    rows, filled = _confirmed(connection, relation, suggested)
    doubtful = [name for name in names if name not in filled]
    judged = _judged(connection, relation, doubtful)
    filled |= {name: there for name, _, there in judged}
    tests = suggested | {name: test for name, test, _ in judged}
    typed = [name for name in names if tests[name] != TEXT]
    return Inferred(
        types={name: TYPES[tests[name]] for name in names},
        rows=rows,
        blanks=sum(rows - filled[name] for name in typed),
        plain=not doubtful,
    )


def _judged(
    connection: duckdb.DuckDBPyConnection, relation: str, names: Sequence[str]
) -> list[tuple[str, str, int]]:
    """Return (column, narrowest test that all values pass, values that are there)."""
    if not names:
        return []
    counts = [
        f"count(nullif(bare({column}), ''))"
        + "".join(
            f", count_if(is_{test}(nullif(bare({column}), '')))" for test in TYPES
        )
        for column in map(engine.name, names)
    ]
    row = _row(connection, f"SELECT {', '.join(counts)} FROM {relation}")  # noqa: S608 - quoted
    width = len(TYPES) + 1
    judged = []
    for number, name in enumerate(names):
        there, *passed = row[number * width : (number + 1) * width]
        tests = zip(TYPES, passed, strict=True)
        fitting = (test for test, count in tests if count == there)
        judged.append((name, next(fitting, TEXT) if there else TEXT, there))
    return judged


def _confirmed(
    connection: duckdb.DuckDBPyConnection, relation: str, types: dict[str, str]
) -> tuple[int, dict[str, int]]:
    """Return the rows, and how many values each column has whose values all fit."""
    counts = [
        f", count({column}), count_if(is_{test}({column}))"
        for column, test in ((engine.name(name), types[name]) for name in types)
    ]
    rows, *found = _row(connection, f"SELECT count(*){''.join(counts)} FROM {relation}")  # noqa: S608 - quoted
    pairs = zip(types, found[0::2], found[1::2], strict=True)
    return rows, {name: there for name, there, fits in pairs if there == fits}


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None, "an aggregate returns one row"  # noqa: S101
    return row
