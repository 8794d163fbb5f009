"""A PostgreSQL server for tests, in a home of its own."""

import itertools
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from mlops_common.postgres.database import MAINTENANCE, Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings

# A test's data need not outlive the machine; waiting for the disk takes longest.
FORGETFUL = ("fsync", "full_page_writes", "synchronous_commit")
_numbers = itertools.count(1)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Yield a short folder that the server's user can enter; delete it at the end."""
    with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        try:
            yield home
        finally:
            EmbeddedServer(home).remove()


@contextmanager
def temporary_postgres() -> Iterator[Postgres]:
    """Yield a running server with an empty database `customers`."""
    with temporary_home() as home:
        settings = PostgresSettings()
        postgres = Postgres(settings, EmbeddedServer(home))
        postgres.ensure_database(settings.database)
        yield postgres


def forget(postgres: Postgres) -> None:
    """Let a server no longer wait for its disk, not even after a restart."""
    with postgres.connect(MAINTENANCE, autocommit=True) as connection:
        for name in FORGETFUL:
            order = sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name))
            connection.execute(order)
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def temporary_database(
    postgres: Postgres, template: str = "template1"
) -> Iterator[str]:
    """Yield the name of a new database; drop it at the end, whoever uses it then.

    Args:
        postgres: The server.
        template: The database to copy, which nobody may use meanwhile.
    """
    name = f"test_{next(_numbers)}"
    database = sql.Identifier(name)
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    dropped = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with postgres.connect(MAINTENANCE, autocommit=True) as connection:
        connection.execute(made.format(database, sql.Identifier(template)))
    try:
        yield name
    finally:
        with postgres.connect(MAINTENANCE, autocommit=True) as connection:
            connection.execute(dropped.format(database))


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small disk at `folder`; skip the test where that is not allowed."""
    import pytest

    options = f"size={megabytes}m,mode=755"
    mount = ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a small disk, on Linux")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)
