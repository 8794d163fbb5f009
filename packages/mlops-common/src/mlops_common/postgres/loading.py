"""Files of tables into PostgreSQL: types inferred, and all of a file or nothing."""

import io
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pyarrow.csv as pacsv
from psycopg import errors, sql

from mlops_common import progress
from mlops_common.errors import ConfigError, ContractError
from mlops_common.postgres import engine, reading, refusals
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.reading import Content, Draft

MEMORY = "400MB"
THREADS = 1  # the other core is PostgreSQL's
CHUNK = 1 << 20  # bytes
BATCH = 20_480  # rows
RELATION = sql.SQL("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)")
TABLE = "r"  # in pg_class.relkind
COPY = sql.SQL(
    "COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER {header},"
    " DELIMITER {delimiter}, ENCODING 'UTF8', FREEZE)"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load wrote.

    Attributes:
        rows: Number of rows.
        columns: Type in PostgreSQL by column, in order.
        blanks: Values, empty or only white space, that are NULL in a typed column.
    """

    rows: int
    columns: dict[str, str]
    blanks: int


def load_file(
    postgres: Postgres,
    path: Path,
    table: str,
    *,
    key: str | None = None,
    replace: bool = False,
) -> Loaded:
    """Load a CSV, CSV.GZ, Parquet or XLSX file into a new table.

    The first line names the columns, and the names are kept as they are. A column is
    as narrow as its values allow without loss (bigint, numeric, double precision,
    boolean, date, timestamp, timestamptz, else text); blank values of a typed column
    become NULL. A Parquet file keeps its types.

    Args:
        postgres: The server; the table goes to the database of its settings.
        path: The file.
        table: Name of the table, `schema.table` outside the default schema.
        key: Name of a column to add in front, which numbers the rows from 1 in the
            order of the file.
        replace: Whether an existing table may be replaced.

    Raises:
        ConfigError: The table exists already, the file is absent or of an unknown
            kind, or `key` is one of its columns.
        ContractError: The file is malformed; names the line where it is known.
        BackendError: The server fails, or its disk is full.
    """
    postgres.ensure_database(postgres.settings.database)
    _check_free(postgres, table, replace=replace)
    load = _Load(postgres, path, table, key, replace)
    with engine.engine(threads=THREADS, memory=MEMORY) as connection:
        content = _loaded(load, connection, reading.kind(path))
    numbers = {} if key is None else {key: "bigint"}
    return Loaded(content.rows, numbers | content.types, content.blanks)


@dataclass(frozen=True, slots=True)
class _Load:
    postgres: Postgres
    path: Path
    table: str
    key: str | None
    replace: bool


def _loaded(load: _Load, connection: duckdb.DuckDBPyConnection, kind: str) -> Content:
    """Load a file the fastest way that keeps every value."""
    if kind in reading.OTHERS:
        content = reading.typed(connection, load.path)
    else:
        with progress.step(f"Read {load.path.name}"):
            draft = reading.draft(connection, load.path)
        content, done = _loaded_as_it_stands(load, connection, draft)
        if done:
            return content
    form = _Form(content.types, delimiter=",", header=False)
    try:
        _fill(load, form, lambda copy: _send_rows(load, content, copy, connection))
    except errors.DataError as error:
        raise ContractError(f"{load.path}: {error.diag.message_primary}") from error
    return content


def _loaded_as_it_stands(
    load: _Load, connection: duckdb.DuckDBPyConnection, draft: Draft
) -> tuple[Content, bool]:
    """Send the bytes of a CSV file while the engine confirms what they are.

    Returns:
        What the file holds, and whether it is in the table now.
    """
    form = _Form(draft.types, draft.delimiter, header=True)
    with ThreadPoolExecutor(max_workers=1) as executor:
        content = executor.submit(reading.confirmed, connection, draft)
        if not draft.plain:
            return content.result(), False
        try:
            done = _fill(
                load,
                form,
                lambda copy: _send_file(load, copy),
                lambda rows: content.result().plain and content.result().rows == rows,
            )
        except errors.DataError:
            # PostgreSQL also reads less than the engine does, such as blank lines.
            done = False
        except BaseException:
            connection.interrupt()
            raise
        return content.result(), done


@dataclass(frozen=True, slots=True)
class _Form:
    """How the rows of a load reach PostgreSQL."""

    types: dict[str, str]
    delimiter: str
    header: bool


def _check_key(load: _Load, types: dict[str, str]) -> None:
    if load.key in types:
        raise ConfigError(f"{load.path} has a column {load.key!r}; choose another key")


def _fill(
    load: _Load,
    form: _Form,
    send: Callable[[psycopg.Copy], None],
    accept: Callable[[int], bool] = lambda _: True,
) -> bool:
    """Fill a new table and give it its name, in one transaction.

    Args:
        load: What to load.
        form: How the rows come.
        send: Sends the rows.
        accept: Whether to keep the table, given the number of rows in it.

    Returns:
        Whether the table was kept; otherwise everything is as before.
    """
    _check_key(load, form.types)
    *schema, bare = load.table.split(".")
    partial = sql.Identifier(*schema, f"loading_{secrets.token_hex(6)}")
    with load.postgres.connect() as server, _explained(load):
        server.execute(_creation(load, form.types, partial))
        cursor = server.cursor()
        with cursor.copy(_copy(form, partial)) as copy:
            send(copy)
        kept = accept(cursor.rowcount)
        if kept:
            _finish(load, server, partial, bare)
            server.commit()
        else:
            server.rollback()
    return kept


@contextmanager
def _explained(load: _Load) -> Iterator[None]:
    """Turn errors of PostgreSQL into ours, except those about values."""
    try:
        yield
    except errors.DataError:
        raise
    except (errors.DuplicateTable, errors.DependentObjectsStillExist) as error:
        reason = error.diag.message_detail or error.diag.message_primary
        raise ConfigError(f"table {load.table!r} is not replaced: {reason}") from error
    except psycopg.Error as error:
        raise refusals.translated(error, load.postgres, None, load.table) from error


def _copy(form: _Form, table: sql.Identifier) -> sql.Composed:
    return COPY.format(
        table=table,
        columns=sql.SQL(", ").join(map(sql.Identifier, form.types)),
        header=sql.SQL("true" if form.header else "false"),
        delimiter=sql.Literal(form.delimiter),
    )


def _creation(
    load: _Load, types: dict[str, str], table: sql.Identifier
) -> sql.Composed:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in types.items()
    ]
    if load.key is not None:
        number = sql.SQL("{} bigint GENERATED ALWAYS AS IDENTITY")
        columns.insert(0, number.format(sql.Identifier(load.key)))
    return sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns))


def _finish(
    load: _Load, server: psycopg.Connection, partial: sql.Identifier, bare: str
) -> None:
    """Give the filled table its name, in the place of the one it replaces."""
    if load.key is not None:
        drop = sql.SQL("ALTER TABLE {} ALTER {} DROP IDENTITY")
        server.execute(drop.format(partial, sql.Identifier(load.key)))
    if load.replace:
        target = sql.Identifier(*load.table.split("."))
        server.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(target))
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    server.execute(rename.format(partial, sql.Identifier(bare)))


def _send_file(load: _Load, copy: psycopg.Copy) -> None:
    """Send the bytes of a file as they are."""
    size = load.path.stat().st_size
    with (
        progress.step(f"Load {load.table}", total=size) as advance,
        load.path.open("rb") as file,
    ):
        stream = reading.unpacked(load.path, file)
        done = 0
        while chunk := stream.read(CHUNK):
            copy.write(chunk)
            advance(file.tell() - done)
            done = file.tell()


def _send_rows(
    load: _Load,
    content: Content,
    copy: psycopg.Copy,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Send the rows as the engine renders them: NULL is nothing, text is quoted."""
    style = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    rows = connection.execute(content.select).to_arrow_reader(BATCH)
    with progress.step(f"Load {load.table}", total=content.rows) as advance:
        for batch in rows:
            sink = io.BytesIO()
            pacsv.write_csv(batch, sink, style)
            copy.write(sink.getvalue())
            advance(batch.num_rows)


def _check_free(postgres: Postgres, table: str, *, replace: bool) -> None:
    """Refuse a table that exists, before any work."""
    parts = table.split(".")
    if len(parts) not in (1, 2) or not all(map(reading.nameable, parts)):
        raise ConfigError(
            f"{table!r} is no table name; expected `table` or `schema.table`, each of "
            f"up to {reading.LONGEST_NAME} bytes"
        )
    with postgres.connect() as server:
        quoted = sql.Identifier(*parts).as_string(server)
        found = server.execute(RELATION, (quoted,)).fetchone()
    if found is None or (replace and found[0] == TABLE):
        return
    remedy = "pass --replace to replace it" if found[0] == TABLE else "drop it"
    raise ConfigError(
        f"{table!r} exists in database {postgres.settings.database!r} on "
        f"{postgres.address}; {remedy}, or choose another --table"
    )
