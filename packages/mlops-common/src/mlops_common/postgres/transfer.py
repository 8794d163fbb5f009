"""Tables out of PostgreSQL into Parquet, exact and in bounded memory.

DuckDB reads `COPY (query) TO STDOUT (FORMAT binary)` and writes Parquet as it goes.
One statement reads one snapshot, whatever is written meanwhile. The same rows give the
same bytes: the scan starts at the first page and keeps the order.
"""

import errno
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pyarrow.parquet as pq
from psycopg import sql

from mlops_common import files, progress
from mlops_common.errors import BackendError, ConfigError, ContractError, MlopsError
from mlops_common.postgres import engine, fidelity, refusals
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.watching import expected, watched

ROW_GROUP = 122_880  # rows; a multiple of DuckDB's vectors
MEMORY = "200MB"
READ_ONLY = "read-only transaction"
# PostgreSQL's word for a statement that failed while the connection lived.
FAILED = re.compile(r"\bERROR: +(?P<reason>.+)")
# How reasons begin that have nothing to do with the query or its rows.
PASSING = (
    *("canceling statement", "could not ", "deadlock detected", "out of memory"),
    *("remaining connection slots", "terminating connection", "too many "),
)
FORBIDDEN = "permission denied"
FULL = os.strerror(errno.ENOSPC)


@dataclass(frozen=True, slots=True)
class Extract:
    """What an extract wrote.

    Attributes:
        rows: Number of rows.
        columns: Arrow type by column, such as `timestamp[us, tz=UTC]`, in order.
    """

    rows: int
    columns: dict[str, str]


def extract(
    postgres: Postgres,
    query: str | sql.Composable,
    target: Path,
    *,
    database: str | None = None,
    look: Callable[[psycopg.Connection], None] | None = None,
) -> Extract:
    """Write the rows of a SELECT to a Parquet file: all of one snapshot, or nothing.

    Args:
        postgres: The server.
        query: Any one SELECT.
        target: The file; replaced when it exists, once the new one is whole.
        database: Name of the database; that of the settings when omitted.
        look: Is called with the connection once the query was found to be right, to
            ask more of the server; it may not raise.

    Returns:
        The number of rows, and the type of each column: see `fidelity` for how
        PostgreSQL's types map to them.

    Raises:
        NotFoundError: A table or column does not exist; lists those that do.
        ConfigError: The query is not one SELECT, or the user may not read a table.
        ContractError: A value has no exact form in Parquet, two columns have the
            same name, or the query fails on a row, as by a division by zero.
        BackendError: The server fails or cannot be reached, or the disk is full.
    """
    statement, rows = _statement(postgres, query, database, look)
    application = f"mlops-{secrets.token_hex(6)}"
    with (
        progress.step(f"Extract {target.stem}", total=rows) as advance,
        files.replacing(target) as partial,
        engine.engine(threads=1, memory=MEMORY) as connection,
    ):
        engine.attach(connection, postgres, database, application)
        try:
            with watched(postgres, database, application, advance):
                connection.execute(_copy(statement, partial))
        except duckdb.Error as error:
            raise _problem(error, postgres, target) from error
        return _written(partial)


def _statement(
    postgres: Postgres,
    query: str | sql.Composable,
    database: str | None,
    look: Callable[[psycopg.Connection], None] | None,
) -> tuple[str, int | None]:
    """Return the statement that reads the exact values, and about how many rows."""
    with postgres.connect(database) as connection:
        connection.read_only = True
        try:
            statement = fidelity.exact_select(connection, query)
            rows = expected(connection, statement)
        except psycopg.Error as error:
            text = query if isinstance(query, str) else query.as_string(None)
            raise refusals.translated(error, postgres, database, text) from error
        if look is not None:
            look(connection)
        return statement, rows


def _copy(statement: str, target: Path) -> str:
    source = f"postgres_query({engine.literal(engine.ATTACHED)}, "
    source += f"{engine.literal(statement)})"
    return (
        f"COPY (FROM {source}) TO {engine.literal(str(target))} (FORMAT parquet, "
        f"COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}, USE_TMP_FILE false)"
    )


def _written(file: Path) -> Extract:
    with pq.ParquetFile(file) as parquet:
        schema = parquet.schema_arrow
        columns = {field.name: str(field.type) for field in schema}
        return Extract(rows=parquet.metadata.num_rows, columns=columns)


def _problem(error: duckdb.Error, postgres: Postgres, target: Path) -> MlopsError:
    said = str(error)
    if FULL in said:
        return files.unwritable(target, FULL)
    changed = fidelity.changed(said)
    if changed is not None:
        return ContractError(changed)
    first = said.strip().splitlines()[0]
    if READ_ONLY in first:
        return ConfigError(f"an extract only reads: {first}")
    return _failure(first, postgres, target)


def _failure(said: str, postgres: Postgres, target: Path) -> MlopsError:
    """Return the error of a query that PostgreSQL began and did not end."""
    if refusals.TOO_SLOW in said:
        return refusals.too_slow(postgres)
    failed = FAILED.search(said)
    if failed is None or failed["reason"].startswith(PASSING):
        return BackendError(f"PostgreSQL at {postgres.address} failed: {said}")
    told = f"{failed['reason']}, says {postgres.address} of the query for {target.name}"
    if failed["reason"].startswith(FORBIDDEN):
        return ConfigError(f"{told}; ask its owner to GRANT it, or set postgres.user")
    return ContractError(f"{told}; change the query or the rows")
