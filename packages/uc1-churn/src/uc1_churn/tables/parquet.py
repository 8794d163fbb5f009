"""Parquet files read and written by DuckDB, in bounded memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from mlops_common.errors import BackendError
from mlops_common.files import replacing

MEMORY = "1GB"


@contextmanager
def scan(path: Path) -> Iterator[duckdb.DuckDBPyRelation]:
    """Open a Parquet file as a relation; see `session`."""
    with session(path) as connection:
        yield connection.read_parquet(str(path))


@contextmanager
def session(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine for Parquet files, whose instants are in UTC.

    What does not fit into `MEMORY` spills to the system's temporary folder.

    Args:
        path: The file that messages name.

    Raises:
        BackendError: A file cannot be read, the disk is full, or the temporary
            folder cannot be written.
    """
    with (
        _spill() as spill,
        translated(path),
        duckdb.connect(
            config={"memory_limit": MEMORY, "temp_directory": spill}
        ) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def head(stream: BinaryIO, rows: int) -> pa.Table:
    """Return the first `rows` rows of a Parquet file; fewer where it has fewer."""
    with pq.ParquetFile(stream) as file:
        first = islice(file.iter_batches(max(1, rows)), min(1, rows))
        return pa.Table.from_batches(first, file.schema_arrow)


def newest(path: Path, column: str) -> date | None:
    """Return the last day in a column of instants; nothing where there is none."""
    day = duckdb.SQLExpression(f"TRY_CAST(max({quoted(column)}) AS DATE)")
    with scan(path) as rows:
        found: date | None = rows.aggregate([day]).fetchall()[0][0]
    return found


def write(relation: duckdb.DuckDBPyRelation, target: Path) -> None:
    """Stream a relation into a Parquet file that appears whole or not at all.

    Args:
        relation: What to write.
        target: The file; its folder is made, its old content replaced.

    Raises:
        BackendError: The disk is full or the folder cannot be written.
    """
    with replacing(target) as partial, translated(target):
        relation.write_parquet(str(partial), compression="zstd")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors about `path` into ours."""
    try:
        yield
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise BackendError(
            f"DuckDB cannot work on {path}: {reason}; check that the file is Parquet "
            "and that the disk has space"
        ) from error


@contextmanager
def _spill() -> Iterator[str]:
    try:
        folder = tempfile.TemporaryDirectory(
            prefix="mlops-spill-", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise BackendError(
            f"cannot make a temporary folder: {error.strerror or error}; free some "
            "space if the disk is full, or point TMPDIR at another folder"
        ) from error
    with folder as path:
        yield path


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier.

    Examples:
        >>> quoted('total "gross" value')
        '"total ""gross"" value"'
    """
    return '"' + name.replace('"', '""') + '"'


def query(
    relation: duckdb.DuckDBPyRelation, name: str, file: str
) -> duckdb.DuckDBPyRelation:
    """Return the result of a query over `relation`.

    Args:
        relation: The table.
        name: What the query calls it.
        file: The query: a file in this package's `sql` folder, without its suffix.
    """
    return relation.query(name, statement(file))


def statement(file: str) -> str:
    """Return the text of a file in this package's `sql` folder, without its suffix."""
    return (files("uc1_churn") / "sql" / f"{file}.sql").read_text("utf-8")


def rows(
    relation: duckdb.DuckDBPyRelation, name: str, file: str
) -> list[tuple[Any, ...]]:
    """Return the rows of `query`."""
    return query(relation, name, file).fetchall()
