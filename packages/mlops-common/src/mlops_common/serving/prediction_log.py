"""The prediction log: what was answered, in PostgreSQL, without delaying the answer.

The server only appends to a queue in memory; a thread copies it to the table at
least every second. While the database is away the queue keeps what was answered, up
to a bound, and counts what it had to drop. Rows are numbered, so that a batch whose
commit was left in doubt by a lost connection is neither lost nor written twice.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from prometheus_client import Counter

from mlops_common.errors import MlopsError
from mlops_common.logger import get_logger
from mlops_common.refs import ModelRef
from mlops_common.serving.batch import Batch

log = get_logger(__name__)

DATABASE = "mlops"
SQL = files("mlops_common.serving") / "sql"
BOUND = 50_000  # rows kept while the database is away
BATCH = 5_000  # requests in one transaction
INTERVAL = 0.5  # seconds between two writes
PATIENCE = 10.0  # seconds that closing waits for the database
PAUSE = 0.1  # seconds before the second try to reach it, then twice that, …
LONGEST_PAUSE = 5.0

LOGGED = Counter("mlops_predictions_logged", "Predictions written", ["service"])
DROPPED = Counter("mlops_predictions_dropped", "Predictions not logged", ["service"])


@dataclass(frozen=True, slots=True)
class Answered:
    """One answered request.

    Attributes:
        sequence: Number of its first row.
        at: When it was answered, seconds since the epoch.
        batch: What was asked.
        probabilities: What was answered, a value for each row.
    """

    sequence: int
    at: float
    batch: Batch
    probabilities: Sequence[float]


class PredictionLog:
    """Writes what one model server answers.

    Args:
        connect: Opens a connection to the database, by default transactional.
        service: Name of the service.
        model: The version that answers.
        bound: Most rows that wait in memory.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        service: str,
        model: ModelRef,
        *,
        bound: int = BOUND,
    ) -> None:
        self._connect = connect
        self._names = (service, model.name, model.version)
        self._bound = bound
        self._writer: UUID = uuid4()
        self._queue: deque[Answered] = deque()
        # Each counter has one writing thread, so that neither needs a lock.
        self._accepted = 0
        self._settled = 0
        self._dropping = False
        self._logged_metric = LOGGED.labels(service)
        self._dropped_metric = DROPPED.labels(service)
        self._closing = Event()
        self._deadline = 0.0
        self._awake = Event()
        self._connection: psycopg.Connection | None = None
        self._thread = Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def record(self, batch: Batch, probabilities: Sequence[float]) -> None:
        """Queue the rows of an answer; costs some microseconds and never waits."""
        waiting = self._accepted - self._settled + batch.size
        if waiting > self._bound:
            self._drop(batch.size, "the database does not keep up")
            return
        answered = Answered(self._accepted, time.time(), batch, probabilities)
        self._queue.append(answered)
        self._accepted += batch.size
        if waiting > self._bound // 2:
            self._awake.set()

    def close(self, patience: float = PATIENCE) -> None:
        """Write what is queued and end; drops it if the database stays away.

        Args:
            patience: Seconds to wait for the database.
        """
        self._deadline = time.monotonic() + patience
        self._closing.set()
        self._awake.set()
        self._thread.join(patience + PAUSE)
        if left := self._accepted - self._settled:
            self._drop(left, f"the database was away for {patience:.0f} s at the end")

    def _run(self) -> None:
        failures = 0
        while True:
            last = self._closing.is_set()
            failures = 0 if self._flushed() else failures + 1
            if last and (not self._queue or time.monotonic() > self._deadline):
                break
            if failures:
                self._rest(failures)
            else:
                self._awake.wait(INTERVAL)
                self._awake.clear()
        self._disconnect()

    def _rest(self, failures: int) -> None:
        if self._closing.is_set():
            time.sleep(PAUSE)
        else:
            self._closing.wait(min(PAUSE * 2**failures, LONGEST_PAUSE))

    def _flushed(self) -> bool:
        """Write what is queued; return whether the database took it."""
        try:
            self._flush()
        except (psycopg.Error, MlopsError, OSError) as error:
            log.warning("the prediction log cannot be written now: %s", error)
            self._disconnect()
            return False
        return True

    def _flush(self) -> None:
        while self._queue:
            if self._connection is None:
                self._connection = self._opened()
            self._write(self._connection, list(islice(self._queue, BATCH)))

    def _opened(self) -> psycopg.Connection:
        """Connect, create the table where absent, and settle what was in doubt."""
        connection = self._connect()
        with connection.transaction():
            found = connection.execute("SELECT to_regclass('serving.predictions')")
            if found.fetchone() == (None,):
                script = (SQL / "create_predictions.sql").read_bytes()
                connection.execute(script)
        with connection.transaction():
            newest = connection.execute(
                "SELECT max(sequence) FROM serving.predictions WHERE writer = %s",
                (self._writer,),
            ).fetchone()
        done = -1 if newest is None or newest[0] is None else newest[0]
        while self._queue and self._queue[0].sequence <= done:
            self._settle(self._queue.popleft().batch.size)
        return connection

    def _write(
        self, connection: psycopg.Connection, requests: Sequence[Answered]
    ) -> None:
        """Copy requests in one transaction; leave out one that the table refuses."""
        statement = (SQL / "copy_predictions.sql").read_bytes()
        try:
            with (
                connection.transaction(),
                connection.cursor() as cursor,
                cursor.copy(statement) as copy,
            ):
                for request in requests:
                    for row in self._rows(request):
                        copy.write_row(row)
        except psycopg.DataError as error:
            self._halve(connection, requests, error)
            return
        for request in requests:
            self._queue.popleft()
            self._settle(request.batch.size)

    def _halve(
        self,
        connection: psycopg.Connection,
        requests: Sequence[Answered],
        error: psycopg.DataError,
    ) -> None:
        if len(requests) > 1:
            middle = len(requests) // 2
            self._write(connection, requests[:middle])
            self._write(connection, requests[middle:])
            return
        size = self._queue.popleft().batch.size
        self._settled += size
        self._drop(size, f"the table refuses them: {error}")

    def _rows(self, request: Answered) -> Iterator[tuple[Any, ...]]:
        batch = request.batch
        at = datetime.fromtimestamp(request.at, UTC)
        for i, probability in enumerate(request.probabilities):
            features = {name: values[i] for name, values in batch.rows.items()}
            yield (
                self._writer,
                request.sequence + i,
                at,
                *self._names,
                batch.id,
                batch.entities[i] if batch.entities else None,
                orjson.dumps(features).decode(),
                probability,
            )

    def _settle(self, rows: int) -> None:
        self._settled += rows
        self._dropping = False
        self._logged_metric.inc(rows)

    def _drop(self, rows: int, reason: str) -> None:
        if not self._dropping:
            log.error("predictions are dropped, not logged: %s", reason)
        self._dropping = True
        self._dropped_metric.inc(rows)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
