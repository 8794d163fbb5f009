"""A new table filled by COPY: whole under its name, or not at all."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors, sql

from mlops_common.errors import ConfigError
from mlops_common.postgres import reading, refusals
from mlops_common.postgres.database import Postgres

RELATION = sql.SQL("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)")
TABLE = "r"  # in pg_class.relkind
COPY = sql.SQL(
    "COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER {header},"
    " DELIMITER {delimiter}, ENCODING 'UTF8', FREEZE)"
)


@dataclass(frozen=True, slots=True)
class Load:
    """What goes where.

    Attributes:
        postgres: The server.
        path: The file that is loaded.
        table: Name of the table, perhaps with its schema.
        key: Name of a column that numbers the rows, where wanted.
        replace: Whether an existing table may be replaced.
    """

    postgres: Postgres
    path: Path
    table: str
    key: str | None
    replace: bool


@dataclass(frozen=True, slots=True)
class Form:
    """How the rows of a load reach PostgreSQL, as CSV.

    Attributes:
        types: Type in PostgreSQL by column, in order.
        delimiter: Between values.
        header: Whether a first line names the columns.
    """

    types: dict[str, str]
    delimiter: str
    header: bool


def check_free(postgres: Postgres, table: str, *, replace: bool) -> None:
    """Refuse a table that exists, before any work.

    Raises:
        ConfigError: It does, and may not be replaced; or its name is none.
    """
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


def _check_key(load: Load, types: dict[str, str]) -> None:
    if load.key in types:
        raise ConfigError(f"{load.path} has a column {load.key!r}; choose another key")


def fill(
    load: Load,
    form: Form,
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

    Raises:
        psycopg.errors.DataError: A value does not fit the type of its column.
        ConfigError: The key is a column of the file, or the table cannot be replaced.
        BackendError: The server fails, or its disk is full.
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
def _explained(load: Load) -> Iterator[None]:
    """Turn errors of PostgreSQL into ours, except those about values."""
    try:
        yield
    except errors.DataError:
        raise
    except (
        errors.DuplicateTable,
        errors.DependentObjectsStillExist,
        errors.UniqueViolation,  # of the catalogue: another load was first
    ) as error:
        reason = error.diag.message_detail or error.diag.message_primary
        raise ConfigError(f"table {load.table!r} is not replaced: {reason}") from error
    except psycopg.Error as error:
        raise refusals.translated(error, load.postgres, None, load.table) from error


def _copy(form: Form, table: sql.Identifier) -> sql.Composed:
    return COPY.format(
        table=table,
        columns=sql.SQL(", ").join(map(sql.Identifier, form.types)),
        header=sql.SQL("true" if form.header else "false"),
        delimiter=sql.Literal(form.delimiter),
    )


def _creation(load: Load, types: dict[str, str], table: sql.Identifier) -> sql.Composed:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in types.items()
    ]
    if load.key is not None:
        number = sql.SQL("{} bigint GENERATED ALWAYS AS IDENTITY")
        columns.insert(0, number.format(sql.Identifier(load.key)))
    return sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns))


def _finish(
    load: Load, server: psycopg.Connection, partial: sql.Identifier, bare: str
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
