"""The statements of the API, run on connections that know how Marquez shows things."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.resources import files
from queue import Empty, LifoQueue
from threading import BoundedSemaphore
from typing import Any, cast

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import TupleRow

from mlops_common.errors import BackendError
from mlops_common.lineage.store.store import LineageStore
from uc4_lineage.reading import translated

SQL = files("uc4_lineage.marquez_api") / "sql"
SESSION = (
    "session",
    "session_namespaces",
    "session_runs",
    "session_datasets",
    "session_jobs",
)
LOCK = "SELECT pg_advisory_xact_lock(hashtext('lineage'))"
CONNECTIONS = 8
PATIENCE = 30.0  # seconds for one of them to be free


class Queries:
    """Runs the files of `sql/`; threads may share it.

    Args:
        store: Where the lineage is.
    """

    def __init__(self, store: LineageStore) -> None:
        self._store = store
        self._idle: LifoQueue[psycopg.Connection] = LifoQueue()
        self._turns = BoundedSemaphore(CONNECTIONS)

    def json(self, statement: str, **values: Any) -> bytes | None:
        """Return the JSON that a statement makes; nothing where it finds nothing.

        Args:
            statement: Name of a file of `sql/`, such as `dataset`.
            values: Its parameters.

        Raises:
            BackendError: The store cannot be read.
        """
        found = self.rows(statement, **values)
        return cast("bytes | None", found[0][0]) if found else None

    def rows(self, statement: str, **values: Any) -> list[TupleRow]:
        """Return the rows of a statement.

        Raises:
            BackendError: The store cannot be read.
        """
        with self.connection() as connection:
            return connection.execute(text(statement), values).fetchall()

    def change(self, *statements: str, **values: Any) -> int:
        """Run statements in one transaction that waits for the events before it.

        Returns:
            Number of rows that the last statement changed.

        Raises:
            BackendError: The store cannot be written; nothing was changed.
        """
        changed = 0
        with self.connection() as connection:
            connection.execute(LOCK)
            for statement in statements:
                changed = connection.execute(text(statement), values).rowcount
            connection.commit()
        return changed

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """Lend a connection; what was not committed is undone.

        Raises:
            BackendError: The store fails, or all connections are lent for too long.
        """
        if not self._turns.acquire(timeout=PATIENCE):
            raise BackendError("the lineage store is busy; try again later")
        try:
            connection = self._taken()
            with translated():
                try:
                    yield connection
                finally:
                    self._give_back(connection)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Close the connections that are not lent."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _taken(self) -> psycopg.Connection:
        """Return an idle connection whose server is still there, or a new one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return self._opened()
            try:
                connection.execute("")
            except psycopg.Error:
                connection.close()
            else:
                return connection

    def _opened(self) -> psycopg.Connection:
        connection = self._store.connect()
        with translated(), ExitStack() as unless_ready:
            unless_ready.callback(connection.close)
            connection.adapters.register_loader("json", Raw)
            for name in SESSION:
                connection.execute(text(name))
            connection.commit()
            unless_ready.pop_all()
        return connection

    def _give_back(self, connection: psycopg.Connection) -> None:
        try:
            connection.rollback()
        except psycopg.Error:
            connection.close()
        else:
            self._idle.put(connection)


class Raw(Loader):
    """Gives JSON as its bytes, which go to the client as they are."""

    def load(self, data: Buffer) -> bytes:
        """Return the bytes."""
        return bytes(data)


@cache
def text(statement: str) -> bytes:
    """Return a file of `sql/`."""
    return (SQL / f"{statement}.sql").read_bytes()
