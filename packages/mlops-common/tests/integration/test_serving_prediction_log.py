from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY

from mlops_common.errors import BackendError
from mlops_common.postgres.database import Postgres
from mlops_common.processes import wait_until
from mlops_common.refs import ModelRef
from mlops_common.serving.batch import Batch
from mlops_common.serving.prediction_log import PredictionLog

MODEL = ModelRef(name="score", version=3, run_id="r", uri="file:///m", digest="d")
ROWS = """
SELECT
    sequence, service, model, model_version, request_id, entity, features, probability
FROM serving.predictions ORDER BY sequence
"""


def batch(number: int, *, size: int = 1, **fields: Any) -> Batch:
    plan = 'größer, "x"\n\\N'
    rows: dict[str, list[Any]] = {"age": [float(number)] * size, "plan": [plan] * size}
    return Batch(f"r{number}", {**rows, **fields}, None, size)


class Database:
    """A database that can go away; counts the connections."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres = postgres
        self.name = name
        self.away = False
        self.opened = 0

    def connect(self) -> psycopg.Connection:
        if self.away:
            raise BackendError("the server is away")
        self.opened += 1
        return self.postgres.connect(self.name)

    def rows(self) -> list[tuple[Any, ...]]:
        with self.postgres.connect(self.name) as connection:
            return connection.execute(ROWS).fetchall()

    def count(self) -> int:
        try:
            return len(self.rows())
        except psycopg.errors.UndefinedTable:
            return 0

    def interrupt(self) -> None:
        """Cut every connection, as a restart of the server does."""
        with self.postgres.connect(self.name, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture
def target(postgres: Postgres, database: str) -> Database:
    return Database(postgres, database)


@pytest.fixture
def log(target: Database, request: pytest.FixtureRequest) -> Iterator[PredictionLog]:
    log = PredictionLog(target.connect, request.node.name, MODEL, bound=100)
    log.start()
    yield log
    log.close(patience=1)


def dropped(request: pytest.FixtureRequest) -> float:
    labels = {"service": request.node.name}
    found = REGISTRY.get_sample_value("mlops_predictions_dropped_total", labels)
    assert found is not None
    return found


def test_every_row_is_written_as_it_was_answered(
    log: PredictionLog, target: Database, request: pytest.FixtureRequest
) -> None:
    asked = Batch(
        "r1", {"age": [41.0, float("nan")], "plan": ["größer\n", None]}, ["c1", None], 2
    )
    log.record(asked, [0.25, 0.5])
    log.close()

    named = (request.node.name, "score", 3, "r1")
    assert target.rows() == [
        (0, *named, "c1", {"age": 41.0, "plan": "größer\n"}, 0.25),
        (1, *named, None, {"age": None, "plan": None}, 0.5),
    ]


def test_rows_are_written_within_a_second_or_so(
    log: PredictionLog, target: Database
) -> None:
    log.record(batch(1), [0.5])

    assert wait_until(lambda: target.count() == 1, 10)


def test_closing_writes_what_is_queued(log: PredictionLog, target: Database) -> None:
    for number in range(50):
        log.record(batch(number, size=2), [0.5, 0.5])
    log.close()

    assert [row[0] for row in target.rows()] == list(range(100))


def test_a_lost_connection_loses_and_repeats_nothing(
    log: PredictionLog, target: Database
) -> None:
    log.record(batch(1), [0.5])
    assert wait_until(lambda: target.count() == 1, 10)

    target.interrupt()
    log.record(batch(2), [0.5])
    log.close()

    assert [row[4] for row in target.rows()] == ["r1", "r2"]
    assert target.opened == 2


def test_rows_wait_while_the_database_is_away(
    log: PredictionLog, target: Database, request: pytest.FixtureRequest
) -> None:
    target.away = True
    for number in range(90):
        log.record(batch(number), [0.5])
    target.away = False
    log.close()

    assert target.count() == 90
    assert dropped(request) == 0


def test_rows_beyond_the_bound_are_dropped_and_counted(
    log: PredictionLog, target: Database, request: pytest.FixtureRequest
) -> None:
    target.away = True
    for number in range(70):
        log.record(batch(number, size=2), [0.5, 0.5])
    target.away = False
    log.close()

    assert [row[0] for row in target.rows()] == list(range(100))
    assert dropped(request) == 40


def test_closing_without_a_database_ends_and_counts(
    log: PredictionLog, target: Database, request: pytest.FixtureRequest
) -> None:
    target.away = True
    log.record(batch(1), [0.5])

    log.close(patience=0.3)

    assert dropped(request) == 1


def test_a_row_that_the_table_refuses_takes_no_other_with_it(
    log: PredictionLog, target: Database, request: pytest.FixtureRequest
) -> None:
    for number in range(9):
        log.record(batch(number), [0.5])
    log.record(Batch("\x00", {"age": [1.0]}, None, 1), [0.5])
    log.record(batch(10), [0.5])
    log.close()

    assert [row[4] for row in target.rows()] == [f"r{n}" for n in (*range(9), 10)]
    assert dropped(request) == 1


def test_a_commit_left_in_doubt_is_not_repeated(target: Database) -> None:
    log = PredictionLog(in_doubt(target), "doubt", MODEL)
    log.start()
    for number in range(3):
        log.record(batch(number), [0.5])
    log.close()

    assert [row[4] for row in target.rows()] == ["r0", "r1", "r2"]
    assert target.opened == 2


def in_doubt(target: Database) -> Callable[[], psycopg.Connection]:
    """Return a `connect` whose first connection dies after its first copy's commit."""

    class Doubtful(psycopg.Connection[Any]):
        def transaction(self, *args: Any, **kwargs: Any) -> Any:
            return Dying(super().transaction(*args, **kwargs), self)

    class Dying:
        def __init__(self, transaction: Any, connection: Doubtful) -> None:
            self.transaction = transaction
            self.connection = connection

        def __enter__(self) -> None:
            self.transaction.__enter__()

        def __exit__(self, *error: object) -> Any:
            done = self.transaction.__exit__(*error)
            if target.count() > 0:
                raise psycopg.OperationalError("the connection was lost at commit")
            return done

    def connect() -> psycopg.Connection:
        if target.opened:
            return target.connect()
        target.opened += 1
        return Doubtful.connect(target.postgres.conninfo(target.name))

    return connect


def test_servers_that_start_at_once_all_find_the_table(target: Database) -> None:
    logs = [PredictionLog(target.connect, f"s{n}", MODEL) for n in range(6)]

    def write(log: PredictionLog) -> None:
        log.start()
        log.record(batch(1), [0.5])
        log.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, logs))

    assert target.count() == 6
