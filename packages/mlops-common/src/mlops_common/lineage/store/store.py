"""The store: events into PostgreSQL, each batch in one transaction."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from threading import RLock
from typing import Any

import psycopg

from mlops_common.errors import BackendError
from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.document import read
from mlops_common.lineage.store.event import Event, parse
from mlops_common.lineage.store.outcome import Ingested, MalformedError, Refusal
from mlops_common.lineage.store.staging import stage
from mlops_common.postgres.database import Postgres

DATABASE = "mlops"
SQL = files("mlops_common.lineage") / "sql"
KNOWN = "SELECT digest FROM lineage.events WHERE digest = ANY(%s::uuid[])"
LOCK = "SELECT pg_advisory_xact_lock(hashtext('lineage'))"


class LineageStore:
    """OpenLineage events in PostgreSQL, and the graph that they tell.

    Which events were stored decides what the tables hold, not when or in what order
    they came. Threads may share a store, and processes a database.

    Args:
        postgres: The server.
        database: Name of the database, which is created when absent.
    """

    def __init__(self, postgres: Postgres, database: str = DATABASE) -> None:
        self._postgres = postgres
        self._database = database
        self._lock = RLock()
        self._ingesting: psycopg.Connection | None = None
        self._created = False

    def connect(self) -> psycopg.Connection:
        """Open a connection to the tables of lineage, which are created when absent.

        Use it as `with store.connect() as connection:`.

        Raises:
            ConfigError: The server does not admit us.
            BackendError: The server cannot be reached.
        """
        if not self._created:
            self._create()
        return self._postgres.connect(self._database)

    def ingest(self, events: Iterable[bytes | str | Mapping[str, Any]]) -> Ingested:
        """Store events in one transaction, and what they tell.

        An event that was stored before changes nothing. One that is malformed is
        refused; the others are stored.

        Args:
            events: OpenLineage events of runs, jobs or datasets, as JSON or as objects.

        Raises:
            BackendError: PostgreSQL failed; nothing of the batch was stored.
        """
        parsed: dict[str, Event] = {}
        refused = []
        total = 0
        for index, event in enumerate(events):
            total += 1
            try:
                new = parse(read(event))
            except MalformedError as problem:
                refused.append(Refusal(index, problem.where, problem.reason))
            else:
                parsed[new.document.digest] = new
        stored = self._store(parsed) if parsed else 0
        return Ingested(stored, total - len(refused) - stored, tuple(refused))

    def close(self) -> None:
        """Close the connection, if one is open."""
        with self._lock:
            if self._ingesting is not None:
                self._ingesting.close()
                self._ingesting = None

    def _store(self, events: Mapping[str, Event]) -> int:
        """Store the events that are new; return how many are."""
        with self._transaction() as connection:
            known = {row[0].hex for row in connection.execute(KNOWN, (list(events),))}
            new = [event for digest, event in events.items() if digest not in known]
            if new:
                stage(connection, Batch(new))
                connection.execute(LOCK)
                connection.execute((SQL / "merge.sql").read_bytes())
        return len(new)

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """Yield the connection with temporary tables, in a transaction."""
        with self._lock:
            try:
                if self._ingesting is None or self._ingesting.closed:
                    self._ingesting = self.connect()
                    script = (SQL / "create_staging.sql").read_bytes()
                    self._ingesting.execute(script)
                    self._ingesting.commit()
                with self._ingesting.transaction():
                    yield self._ingesting
            except psycopg.Error as error:
                self.close()
                raise BackendError(
                    f"the lineage store on {self._postgres.address} failed: {error}; "
                    "nothing of the batch was stored; try again"
                ) from error

    def _create(self) -> None:
        self._postgres.ensure_database(self._database)
        with self._postgres.connect(self._database) as connection:
            connection.execute((SQL / "create.sql").read_bytes())
        self._created = True
