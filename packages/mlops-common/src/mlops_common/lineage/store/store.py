"""The store: events into PostgreSQL, each batch in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from threading import RLock

import psycopg

from mlops_common.errors import BackendError
from mlops_common.lineage.store.event import Name
from mlops_common.lineage.store.intake import Incoming, Intake
from mlops_common.lineage.store.keeping import keep
from mlops_common.lineage.store.merging import (
    LOCK,
    REPLAYING,
    drop_unnamed,
    merge,
    replay,
)
from mlops_common.lineage.store.outcome import Ingested
from mlops_common.postgres.database import Postgres

DATABASE = "mlops"
ATTEMPTS = 5  # to store a batch while other processes store the same events
SQL = files("mlops_common.lineage") / "sql"
KNOWN = "SELECT digest FROM lineage.events WHERE digest = ANY(%s::uuid[])"
CREATED = "SELECT to_regclass('lineage.event_datasets')"  # what is created last
REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)
AGAIN = (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected)


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
        self._aliases: dict[Name, Name] = {}

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

    def ingest(self, events: Iterable[Incoming]) -> Ingested:
        """Store events in one transaction, and what they tell.

        An event that was stored before changes nothing. One that is malformed is
        refused; the others are stored. So is one that PostgreSQL refuses; then the
        others are stored in several transactions.

        Args:
            events: OpenLineage events of runs, jobs or datasets, as JSON, as objects or
                as documents that were read before; best some thousands, which stay in
                memory until they are stored.

        Raises:
            BackendError: PostgreSQL failed; nothing of the batch was stored.
        """
        intake = Intake(self._aliases)
        rows = intake.take(events)
        try:
            # As if all were new, which lets PostgreSQL read while we do.
            stored = self._store(intake, rows)
        except (*AGAIN, *REFUSALS):
            for _ in rows:
                pass
            stored = self._store_apart(intake, list(intake.bodies))
        refused = sorted(intake.refused, key=lambda refusal: refusal.index)
        return Ingested(stored, intake.taken - stored, tuple(refused))

    def rebuild(self) -> int:
        """Make the tables anew from the events; return how many there are.

        What people gave through the API stays, but for a tag that they took away and
        a facet gives. Readers see the old tables until the new ones are complete;
        writers wait.

        Raises:
            BackendError: PostgreSQL failed; the tables are what they were.
        """
        with self._transaction() as connection:
            connection.execute(LOCK, REPLAYING)
            connection.execute((SQL / "empty.sql").read_bytes())
            told = replay(connection, "all_events.sql")
            drop_unnamed(connection)
        return told

    def close(self) -> None:
        """Close the connection, if one is open."""
        with self._lock:
            if self._ingesting is not None:
                self._ingesting.close()
                self._ingesting = None

    def _store(self, intake: Intake, rows: Iterable[str]) -> int:
        """Store events, none of which is stored yet; return how many."""
        with self._transaction() as connection:
            keep(connection, rows)
            known = merge(connection, intake) if intake.bodies else {}
        stale = intake.batch.met_aliases.keys() - known.keys()
        kept = {n: alias for n, alias in self._aliases.items() if n not in stale}
        self._aliases = kept | known if stale or known else self._aliases
        return len(intake.bodies)

    def _store_apart(self, intake: Intake, digests: Sequence[str]) -> int:
        """Store those that are new, but what PostgreSQL refuses; return how many."""
        try:
            return self._store_new(intake, digests)
        except REFUSALS as error:
            if len(digests) == 1:
                intake.refuse(digests[0], f"PostgreSQL refuses it: {error}")
                return 0
        middle = len(digests) // 2
        halves = digests[:middle], digests[middle:]
        return sum(self._store_apart(intake, half) for half in halves)

    def _store_new(self, intake: Intake, digests: Sequence[str]) -> int:
        """Store the events that are new; return how many are.

        Processes that store the same events at once wait for each other in the order
        of the digests, and so never in a circle.
        """
        for _ in range(ATTEMPTS):
            with self._transaction() as connection:
                found = connection.execute(KNOWN, (list(digests),)).fetchall()
            known = {digest.hex for (digest,) in found}
            new = Intake(self._aliases)
            wanted = [digest for digest in digests if digest not in known]
            bodies = ((digest, intake.bodies[digest]) for digest in wanted)
            try:
                return self._store(new, sorted(new.retake(bodies)))
            except AGAIN:
                continue  # another process stored one of them: it is known now
        raise BackendError("other processes store the same events; try again")

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """Yield the connection that ingests, in a transaction."""
        with self._lock:
            try:
                if self._ingesting is None or self._ingesting.closed:
                    self._ingesting = self.connect()
                    self._ingesting.execute((SQL / "prepare.sql").read_bytes())
                    self._ingesting.commit()
                with self._ingesting.transaction():
                    yield self._ingesting
            except (*AGAIN, *REFUSALS):
                raise
            except psycopg.Error as error:
                self.close()
                raise BackendError(
                    f"the lineage store on {self._postgres.address} failed: {error}; "
                    "nothing of the batch was stored; try again"
                ) from error

    def _create(self) -> None:
        self._postgres.ensure_database(self._database)
        with self._postgres.connect(self._database) as connection:
            if connection.execute(CREATED).fetchone() == (None,):
                connection.execute((SQL / "create.sql").read_bytes())
        self._created = True
