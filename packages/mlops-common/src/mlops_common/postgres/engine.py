"""DuckDB as a reader and writer of files and of PostgreSQL, in bounded memory."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mlops_common.errors import BackendError, ConfigError
from mlops_common.postgres.database import Postgres

ATTACHED = "source"
# Nothing is ever downloaded, and nothing spills to a disk behind our back. The one
# extension came in a wheel, as trusted as the engine: to hash it costs 50 ms a time.
SEALED = {
    "allow_unsigned_extensions": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",
}


@contextmanager
def engine(threads: int, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine in memory.

    Args:
        threads: Cores it may use.
        memory: What its buffers may take, such as `200MB`.
    """
    config = {**SEALED, "memory_limit": memory, "threads": str(threads)}
    with duckdb.connect(config=dict(config)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def attach(
    connection: duckdb.DuckDBPyConnection,
    postgres: Postgres,
    database: str | None,
    application: str = "",
) -> None:
    """Give the engine read access to a database, under the name `source`.

    Rows come in the same order each time: a scan starts at the first page and one
    process of the server reads.

    Args:
        connection: The engine.
        postgres: The server.
        database: Name of the database; that of the settings when omitted.
        application: Letters and digits by which the server shall know the connection.

    Raises:
        ConfigError: The extension does not fit the engine.
        BackendError: The server cannot be reached.
    """
    conninfo = postgres.conninfo(
        database,
        synchronize_seqscans="off",
        max_parallel_workers_per_gather="0",
        timezone="UTC",
    )
    conninfo += " client_encoding=UTF8"
    conninfo += f" application_name={application}" if application else ""
    connection.execute(f"LOAD {literal(str(_extension()))}")
    try:
        connection.execute(
            f"ATTACH {literal(conninfo)} AS {ATTACHED} (TYPE postgres, READ_ONLY)"
        )
    except duckdb.Error:
        # Its message holds the connection string, and so the password.
        raise BackendError(
            f"the connection to PostgreSQL at {postgres.address} was lost; try again"
        ) from None


def literal(text: str) -> str:
    """Return `text` as a literal of SQL.

    Examples:
        >>> literal("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """Return `text` as a name in SQL.

    Examples:
        >>> print(name('order'))
        "order"
    """
    return '"' + text.replace('"', '""') + '"'


def _extension() -> Path:
    """Return the file of the extension, which a wheel installed."""
    spec = importlib.util.find_spec("duckdb_extension_postgres_scanner")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    version = f"v{duckdb.__version__}"
    file = folder / "extensions" / version / "postgres_scanner.duckdb_extension"
    if not file.is_file():
        raise ConfigError(
            f"DuckDB {version} needs its PostgreSQL extension of the same version; "
            f"install duckdb-extension-postgres-scanner=={duckdb.__version__}"
        )
    return file
