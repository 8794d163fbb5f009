"""Small files to load into PostgreSQL, and what its tables hold then."""

from pathlib import Path
from typing import Any

from mlops_common.postgres.database import Postgres


def csv(folder: Path, text: str, name: str = "data.csv") -> Path:
    """Write `text` to a file as it is, to the line ends; return its path."""
    path = folder / name
    path.write_bytes(text.encode())
    return path


def rows(postgres: Postgres, table: str = "t") -> list[tuple[Any, ...]]:
    """Return the rows of a table."""
    with postgres.connect() as connection:
        return connection.execute(f'TABLE "{table}"'.encode()).fetchall()


def tables(postgres: Postgres) -> list[str]:
    """Return the names of the tables of the schema `public`."""
    with postgres.connect() as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return [row[0] for row in connection.execute(query)]
