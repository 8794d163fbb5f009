"""What to tell when PostgreSQL refuses a statement."""

import difflib
import re
from importlib.resources import files

import psycopg
from psycopg import errors

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    MlopsError,
    NotFoundError,
)
from mlops_common.files import has_room, no_room
from mlops_common.postgres.database import Postgres

TABLES = (files("mlops_common.postgres") / "sql" / "tables.sql").read_text("utf-8")
MOST = 20  # alternatives worth reading
TOO_SLOW = "canceling statement due to statement timeout"


def translated(
    error: psycopg.Error, postgres: Postgres, database: str | None, statement: str
) -> MlopsError:
    """Return our error for what PostgreSQL said about `statement`."""
    said = error.diag.message_primary or str(error).strip()
    place = f"database {database or postgres.settings.database!r} on {postgres.address}"
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
        names = list(_tables(postgres, database))
        return NotFoundError(f"{said} in {place}; tables: {_listed(names, said)}")
    if isinstance(error, errors.UndefinedColumn):
        names = _columns(_tables(postgres, database), statement)
        return NotFoundError(f"{said} in {place}; columns: {_listed(names, said)}")
    if isinstance(error, errors.ProgrammingError | errors.ReadOnlySqlTransaction):
        return _refused(error, f"{said} in {place}")
    if isinstance(error, errors.DataError):
        return ContractError(f"{said} in {place}")
    if TOO_SLOW in said:
        return too_slow(postgres)
    return _failed(error, postgres, f"{said} in {place}")


def _failed(error: psycopg.Error, postgres: Postgres, said: str) -> BackendError:
    # A server that cannot write its log hangs up instead of saying why.
    if postgres.server is not None and not has_room(postgres.server.home):
        return no_room(postgres.server.home)
    full = isinstance(error, errors.DiskFull)
    remedy = "free some space on its disk" if full else "try again"
    return BackendError(f"{said}; {remedy}")


def too_slow(postgres: Postgres) -> ConfigError:
    """Return the error of a statement that took longer than we let it."""
    return ConfigError(
        f"a query took longer than {postgres.settings.statement_timeout} s on "
        f"{postgres.address}; make it faster, or raise postgres.statement_timeout"
    )


def _refused(error: psycopg.Error, said: str) -> MlopsError:
    if isinstance(error, errors.InsufficientPrivilege):
        return ConfigError(f"{said}; ask its owner to GRANT it, or set postgres.user")
    if isinstance(error, errors.SyntaxError):
        return ConfigError(f"{said}; expected one SELECT")
    return ConfigError(said)


def _tables(postgres: Postgres, database: str | None) -> dict[str, list[str]]:
    with postgres.connect(database) as connection:
        return dict(connection.execute(TABLES).fetchall())


def _columns(tables: dict[str, list[str]], statement: str) -> list[str]:
    """Return the columns of the tables that a statement names."""
    words = set(re.findall(r"\w+", statement))
    named = [table for table in tables if set(table.split(".")) & words]
    return [column for table in named for column in tables[table]]


def _listed(known: list[str], said: str) -> str:
    """Return the known names, those like the one asked for first."""
    wanted = said.partition('"')[2].partition('"')[0]
    close = difflib.get_close_matches(wanted, known, n=MOST, cutoff=0.4)
    ordered = [*close, *(name for name in known if name not in close)]
    more = ", ..." if len(ordered) > MOST else ""
    return ", ".join(ordered[:MOST]) + more or "none"
