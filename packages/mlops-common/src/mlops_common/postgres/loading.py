"""Files of tables into PostgreSQL: types inferred, and all of a file or nothing."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pyarrow.csv as pacsv
from psycopg import errors

from mlops_common import progress
from mlops_common.errors import ContractError
from mlops_common.postgres import drafting, engine, reading
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.drafting import Draft
from mlops_common.postgres.filling import Form, Load, check_free, fill
from mlops_common.postgres.reading import Content

MEMORY = "400MB"
THREADS = 1  # the other core is PostgreSQL's
CHUNK = 1 << 20  # bytes
BATCH = 20_480  # rows


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
    postgres.check_room()
    postgres.ensure_database(postgres.settings.database)
    check_free(postgres, table, replace=replace)
    load = Load(postgres, path, table, key, replace)
    with engine.engine(threads=THREADS, memory=MEMORY) as connection:
        content = _loaded(load, connection, reading.kind(path))
    numbers = {} if key is None else {key: "bigint"}
    return Loaded(content.rows, numbers | content.types, content.blanks)


def _loaded(load: Load, connection: duckdb.DuckDBPyConnection, kind: str) -> Content:
    """Load a file the fastest way that keeps every value."""
    if kind in reading.OTHERS:
        content = reading.typed(connection, load.path)
    else:
        with progress.step(f"Read {load.path.name}"):
            draft = drafting.draft(connection, load.path)
        content, done = _loaded_as_it_stands(load, connection, draft)
        if done:
            return content
    form = Form(content.types, delimiter=",", header=False)
    try:
        fill(load, form, lambda copy: _send_rows(load, content, copy, connection))
    except errors.DataError as error:
        raise ContractError(f"{load.path}: {error.diag.message_primary}") from error
    return content


def _loaded_as_it_stands(
    load: Load, connection: duckdb.DuckDBPyConnection, draft: Draft
) -> tuple[Content, bool]:
    """Send the bytes of a CSV file while the engine confirms what they are.

    Returns:
        What the file holds, and whether it is in the table now.
    """
    form = Form(draft.types, draft.delimiter, header=True)
    with ThreadPoolExecutor(max_workers=1) as executor:
        content = executor.submit(drafting.confirmed, connection, draft)
        if not draft.plain:
            return content.result(), False
        try:
            done = fill(
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


def _send_file(load: Load, copy: psycopg.Copy) -> None:
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
    load: Load,
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
