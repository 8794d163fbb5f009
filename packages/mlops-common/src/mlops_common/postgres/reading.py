"""Files of tables as the engine reads them, and the types they have in PostgreSQL."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import duckdb

from mlops_common.errors import BackendError, ConfigError, ContractError
from mlops_common.postgres import engine, sheets

TEXTS = (".csv", ".csv.gz")
OTHERS = (".parquet", ".xlsx")
LONGEST_NAME = 63  # bytes
# Type of a column in PostgreSQL by its type in the engine; others become JSON.
TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric",
    "HUGEINT": "numeric",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "BLOB": "bytea",
    "DATE": "date",
    "TIME": "time",
    "INTERVAL": "interval",
    "UUID": "uuid",
    "JSON": "json",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Content:
    """A table in a file, every value of which was read.

    Attributes:
        types: Type in PostgreSQL by column, in order.
        rows: Number of rows.
        blanks: Values of columns other than text that are empty or only white space.
        select: A query of the engine that yields each value as PostgreSQL's text.
        plain: Whether PostgreSQL reads the file's bytes as they stand.
    """

    types: dict[str, str]
    rows: int
    blanks: int
    select: str
    plain: bool = False


def typed(connection: duckdb.DuckDBPyConnection, path: Path) -> Content:
    """Return what a file holds that knows its own types: Parquet or a workbook.

    Raises:
        ContractError: The file is malformed.
    """
    with blamed(path):
        if path.suffix.lower() == ".parquet":
            relation = f"read_parquet({engine.literal(str(path))})"
            return _described(connection, relation, blanks=0)
        table, blanks = sheets.read(path)
        check_names(path, table.column_names)
        connection.register("sheet", table)
        return _described(connection, "sheet", blanks)


def kind(path: Path) -> str:
    """Return the ending of a file that can be loaded.

    Raises:
        ConfigError: The file is absent, or of no kind that is known.
    """
    if not path.is_file():
        raise ConfigError(f"no file at {path}; check the path")
    for ending in (*TEXTS, *OTHERS):
        if path.name.lower().endswith(ending):
            return ending
    known = ", ".join((*TEXTS, *OTHERS))
    raise ConfigError(f"{path} is none of {known}; convert it first")


def unpacked(path: Path, file: BinaryIO) -> BinaryIO:
    """Return the bytes of an open file, decompressed when its name ends with `.gz`."""
    if path.name.lower().endswith(".gz"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return file


def nameable(name: str) -> bool:
    """Whether PostgreSQL keeps a name as it is."""
    return 0 < len(name.encode()) <= LONGEST_NAME


def check_names(path: Path, names: list[str]) -> None:
    """Refuse a header that cannot name columns.

    Raises:
        ContractError: A name is empty, used twice or longer than PostgreSQL takes.
    """
    wrong = {
        "an empty name": [name for name in names if not name.strip()],
        "a name used twice": [name for name in names if names.count(name) > 1],
        "a name that is too long": [name for name in names if not nameable(name)],
    }
    for what, found in wrong.items():
        if found:
            raise ContractError(
                f"{path} line 1: expected one distinct name per column, found {what}: "
                f"{found[0]!r}"
            )
    if not names:
        raise ContractError(f"{path} is empty; expected a first line with column names")


def _described(
    connection: duckdb.DuckDBPyConnection, relation: str, blanks: int
) -> Content:
    described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    columns = {str(row[0]): str(row[1]) for row in described}
    counted = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()  # noqa: S608 - quoted
    texts = (_text(engine.name(name), type_) for name, type_ in columns.items())
    return Content(
        types={name: _type(type_) for name, type_ in columns.items()},
        rows=counted[0] if counted else 0,
        blanks=blanks,
        select=f"SELECT {', '.join(texts)} FROM {relation}",  # noqa: S608 - quoted
    )


def _type(known: str) -> str:
    """Return the type in PostgreSQL for one of the engine."""
    if known.startswith("DECIMAL"):
        return known.replace("DECIMAL", "numeric")
    if known.startswith("ENUM"):
        return "text"
    return TYPES.get(known, "json")


def _text(column: str, kind: str) -> str:
    if kind == "BLOB":
        return f"'\\x' || hex({column})"
    if _type(kind) == "json":
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


@contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Turn errors of the engine into ours, which name the file.

    Raises:
        ContractError: The file is malformed.
        BackendError: The machine has too little memory for it.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise BackendError(f"{path}: {_reason(error)}; free some memory") from error
    except duckdb.Error as error:
        raise ContractError(f"{path}: {_reason(error)}") from error


def _reason(error: duckdb.Error) -> str:
    """Return what is wrong with a file and where, without the engine's advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = next((line for line in lines if "Error on Line" in line), lines[0])
    place = lines.index(line)
    return " ".join(lines[place : place + 3])
