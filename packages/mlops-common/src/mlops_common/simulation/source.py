"""The simulated company as a table in PostgreSQL, where pipelines look for data."""

import io
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files

import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import errors, sql

from mlops_common.errors import ConfigError
from mlops_common.postgres import refusals
from mlops_common.postgres.database import Postgres
from mlops_common.progress import Advance, step
from mlops_common.simulation.snapshots import simulate

SIMULATED = "simulated: "
STATEMENTS = files("mlops_common.simulation") / "sql"
COPY = sql.SQL("COPY {draft} FROM STDIN (FORMAT csv, ENCODING 'UTF8', FREEZE)")
STYLE = pacsv.WriteOptions(include_header=False, quoting_style="needed")


def write_company(
    postgres: Postgres,
    *,
    seed: int,
    customers: int,
    months: int,
    end: date,
    table: str = "customers",
) -> int:
    """Simulate a company into a table, in the place of one of that name.

    All happens in one transaction: readers see the old table or the whole new one,
    and a killed run leaves the old one.

    Args:
        postgres: The server; the table goes to the database of its settings.
        seed: Of all draws, at least 0.
        customers: Number in the first snapshot, at least 1.
        months: Number of snapshots, at least 1.
        end: Day up to which churn is known: the last snapshot is a month earlier.
        table: Name of the table, `schema.table` outside the default schema.

    Returns:
        The number of rows.

    Raises:
        ConfigError: Something else bears or uses that name, such as a view.
        BackendError: The server fails, or its disk is full.
    """
    postgres.check_room()
    postgres.ensure_database(postgres.settings.database)
    made = description(seed=seed, customers=customers, months=months, end=end)
    names = {**_names(table), "description": sql.Literal(made)}
    batches = simulate(seed, customers, months, end)
    with (
        step(f"Simulate {table}", total=customers * months) as advance,
        postgres.connect() as connection,
        _explained(postgres, table),
    ):
        connection.execute(_statement("customers", names))
        rows = _copied(connection, COPY.format(**names), batches, advance)
        connection.execute(_statement("publish", names))
        connection.commit()
    return rows


def description(*, seed: int, customers: int, months: int, end: date) -> str:
    """Return the comment that a simulated table bears: how it was made.

    Examples:
        >>> description(seed=1, customers=9, months=2, end=date(2026, 1, 1))
        'simulated: seed=1, customers=9, months=2, end=2026-01-01'
    """
    return f"{SIMULATED}{seed=}, {customers=}, {months=}, end={end}"


def _names(table: str) -> dict[str, sql.Composable]:
    """Return the identifiers of the statements, by placeholder."""
    *schema, name = table.split(".")
    draft = f"simulating_{secrets.token_hex(6)}"
    return {
        "table": sql.Identifier(*schema, name),
        "name": sql.Identifier(name),
        "draft": sql.Identifier(*schema, draft),
        "draft_key": sql.Identifier(f"{draft}_pkey"),
        "draft_index": sql.Identifier(f"{draft}_idx"),
        "qualified_draft_index": sql.Identifier(*schema, f"{draft}_idx"),
        "key": sql.Identifier(f"{name}_pkey"),
        "index": sql.Identifier(f"{name}_observed_at_idx"),
    }


def _statement(file: str, names: dict[str, sql.Composable]) -> sql.Composed:
    return sql.SQL((STATEMENTS / f"{file}.sql").read_text("utf-8")).format(**names)


def _copied(
    connection: psycopg.Connection,
    statement: sql.Composed,
    batches: Iterable[pa.RecordBatch],
    advance: Advance,
) -> int:
    """Copy all rows into a table; return how many there were."""
    cursor = connection.cursor()
    with cursor.copy(statement) as copy:
        for batch in batches:
            copy.write(_csv(batch))
            advance(batch.num_rows)
    return cursor.rowcount


def _csv(batch: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(batch, sink, STYLE)
    return sink.getvalue()


@contextmanager
def _explained(postgres: Postgres, table: str) -> Iterator[None]:
    """Turn errors of PostgreSQL into ours."""
    try:
        yield
    except (errors.DependentObjectsStillExist, errors.WrongObjectType) as error:
        reason = error.diag.message_detail or error.diag.message_primary
        raise ConfigError(
            f"table {table!r} cannot be replaced: {reason}; drop that, or choose "
            "another name"
        ) from error
    except psycopg.Error as error:
        raise refusals.translated(error, postgres, None, table) from error
