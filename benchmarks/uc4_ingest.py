"""Ingest of lineage: ours, one INSERT an event, and COPY of the raw JSON as the limit.

Events as a scheduler sends them: START and COMPLETE of each run, two inputs and an
output, a schema of each. All contenders fill the same server, each in a process of its
own that is bound to one core; the server is free to use the others. A busy machine
stretches the wall time, so that the CPU seconds of both are told too. Run:

    python benchmarks/uc4_ingest.py --runs 50000
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import harness
import orjson
import psutil

from mlops_common.postgres import placement
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import temporary_postgres

BATCH = 5_000  # events in one call
ROUNDS = 3
ONE_BY_ONE = 5_000  # events of the contender that takes minutes for all
PAUSE = 0.5  # seconds for the server to count what an ended process used
JOBS = 500
COLUMNS = 12
START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCER = "https://example.com/scheduler/1.0"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets/1-0-0"
TABLE = """
DROP SCHEMA IF EXISTS raw CASCADE;
CREATE SCHEMA raw;
CREATE TABLE raw.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event jsonb NOT NULL
)
"""


def facet(name: str, **fields: Any) -> dict[str, Any]:
    """Return a facet with what each must have."""
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{name}.json", **fields}


def dataset(number: int) -> dict[str, Any]:
    """Return a table with its schema."""
    fields = [
        {"name": f"column_{i}", "type": "VARCHAR", "description": f"Column {i}"}
        for i in range(COLUMNS)
    ]
    return {
        "namespace": "postgres://warehouse:5432",
        "name": f"sales.public.table_{number}",
        "facets": {"schema": facet("SchemaDatasetFacet", fields=fields)},
    }


def event(kind: str, at: datetime, run: UUID, job: int) -> bytes:
    """Return one event as JSON."""
    return orjson.dumps(
        {
            "eventType": kind,
            "eventTime": at.isoformat(),
            "producer": PRODUCER,
            "schemaURL": SPEC,
            "run": {
                "runId": str(run),
                "facets": {
                    "nominalTime": facet(
                        "NominalTimeRunFacet", nominalStartTime=at.isoformat()
                    )
                },
            },
            "job": {"namespace": "scheduler", "name": f"dag_{job // 10}.task_{job}"},
            "inputs": [dataset(2 * job), dataset(2 * job + 1)],
            "outputs": [dataset(2 * job + 2)],
        }
    )


def events(runs: int) -> list[bytes]:
    """Return the events of so many runs, in the order of their times."""
    draw = random.Random(7)  # noqa: S311 - no secret
    made = []
    for i in range(runs):
        run = UUID(int=draw.getrandbits(128), version=4)
        at, job = START + timedelta(seconds=i), i % JOBS
        made.append((at, event("START", at, run, job)))
        end = at + timedelta(seconds=draw.randint(1, 600))
        made.append((end, event("COMPLETE", end, run, job)))
    return [body for _, body in sorted(made)]


def batches(made: list[bytes]) -> Iterator[list[bytes]]:
    """Yield them as many at a time as one call takes."""
    for start in range(0, len(made), BATCH):
        yield made[start : start + BATCH]


def by_ours(postgres: Postgres, made: list[bytes]) -> None:
    """Ingest: the events and the graph."""
    from mlops_common.lineage.store import LineageStore

    store = LineageStore(postgres, "bench")
    for batch in batches(made):
        told = store.ingest(batch)
        assert told.stored == len(batch), told
    store.close()


def by_insert(postgres: Postgres, made: list[bytes]) -> None:
    """One request, one transaction, one INSERT an event: the least Marquez does."""
    statement = "INSERT INTO raw.events (event) VALUES (%s::jsonb)"
    with postgres.connect("bench", autocommit=True) as connection:
        for body in made:
            connection.execute(statement, (body.decode(),))


def by_copy(postgres: Postgres, made: list[bytes]) -> None:
    """Copy the raw JSON and understand none of it: what no ingest can beat."""
    with postgres.connect("bench") as connection:
        for batch in batches(made):
            statement = "COPY raw.events (event) FROM STDIN"
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                text = b"\n".join(batch) + b"\n"
                copy.write(text.replace(b"\\", b"\\\\"))
            connection.commit()


CONTENDERS: dict[str, Callable[[Postgres, list[bytes]], None]] = {
    "ours": by_ours,
    "insert": by_insert,
    "copy": by_copy,
}


def backend_seconds(home: Path) -> float:
    """Return the CPU seconds of the server, and of its processes that have ended."""
    file = placement.locate(home).data / "postmaster.pid"
    pid = int(file.read_text().split()[0])
    server = psutil.Process(pid)
    while True:
        own = server.cpu_times()
        ended = own.children_user + own.children_system
        try:
            alive = [child.cpu_times() for child in server.children()]
        except psutil.NoSuchProcess:
            continue  # one ended meanwhile: now the server tells its time
        now = sum(times.user + times.system for times in alive)
        return float(ended + own.user + own.system + now)


def contend(name: str, home: Path, file: Path) -> None:
    """Run one contender on one core; print its cost an event.

    That is microseconds of wall time, of its own CPU time and of the server's.
    """
    from mlops_common.lineage.store import LineageStore

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    postgres = Postgres(PostgresSettings(), EmbeddedServer(home))
    made = file.read_bytes().splitlines()
    made = made[:ONE_BY_ONE] if name == "insert" else made
    with postgres.connect("postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
    postgres.ensure_database("bench")
    LineageStore(postgres, "bench").connect().close()
    with postgres.connect("bench", autocommit=True) as connection:
        connection.execute(TABLE)
        connection.execute("CHECKPOINT")
    before, own, start = backend_seconds(home), time.process_time(), time.perf_counter()
    CONTENDERS[name](postgres, made)
    wall, own = time.perf_counter() - start, time.process_time() - own
    time.sleep(PAUSE)
    costs = [wall, own, backend_seconds(home) - before]
    print(orjson.dumps([1e6 * cost / len(made) for cost in costs]).decode())


def main() -> None:
    """Compare on the same events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50_000)
    made = events(parser.parse_args().runs)
    found: dict[str, list[list[float]]] = {name: [] for name in CONTENDERS}
    with temporary_postgres() as postgres:
        assert postgres.server is not None
        home = postgres.server.home
        file = home / "events.json"
        file.write_bytes(b"\n".join(made))
        for _ in range(ROUNDS):
            for name in CONTENDERS:
                run = harness.run(__file__, "--run", name, str(home), str(file))
                found[name].append(orjson.loads(run.output))
        # Before the server is removed: what that comes to must not lose the figures.
        report(made, {name: min(runs) for name, runs in found.items()})


def report(made: list[bytes], best: dict[str, list[float]]) -> None:
    """Tell the best round of each contender."""
    rate = {name: 1e6 / wall for name, (wall, _, _) in best.items()}
    _, own, server = best["ours"]
    count = f"{len(made):,} events"
    claims = [
        harness.at_least(f"{count}, a second", rate["ours"], 5_000),
        harness.at_least(f"{count}, a CPU second of both", 1e6 / (own + server), 5_000),
        harness.at_least("ours / an INSERT each", rate["ours"] / rate["insert"], 1.0),
    ]
    keys = ("wall", "python_cpu", "postgres_cpu")
    figures = {
        "events": len(made),
        "bytes_an_event": sum(map(len, made)) / len(made),
        "microseconds_an_event": {
            name: dict(zip(keys, costs, strict=True)) for name, costs in best.items()
        },
        "copy of the raw JSON / ours": rate["copy"] / rate["ours"],
        "load": os.getloadavg()[0],
    }
    harness.report("uc4_ingest", claims, figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        contend(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
