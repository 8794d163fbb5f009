"""Upstream closure, depth 20, in a graph of 100 k edges: ours, SQL's and networkx'.

```sh
python benchmarks/uc4_closure.py
```

Each starts from the tables in PostgreSQL and ends with the names of what was found,
which must be the same. Ours is measured cold, the graph read anew for each question,
and warm, as a server answers; networkx is measured where it is installed.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from harness import Ratio, at_most, report

from mlops_common.lineage.store import LineageStore
from mlops_common.testing.postgres import temporary_postgres
from uc4_lineage.graph import Direction
from uc4_lineage.questions.closure import reached
from uc4_lineage.reading import Cache, Reader
from uc4_lineage.testing.events import run_event

LIMIT = 100.0  # milliseconds
JOBS = 20_000
READS, WRITES = 3, 2  # of each job: 100 k edges
LAYERS = 40
WIDTH = 500  # datasets of a layer
DEPTH = 20
STARTS = 60
FEW = 10  # of these, for what takes seconds
BATCH = 5_000
SQL = Path(__file__).parent / "sql"

Answer = set[tuple[str, str]]


def events() -> Iterator[dict[str, Any]]:
    """Yield a run of each job: it reads from one layer and writes to the next."""
    chance = random.Random(0)  # noqa: S311 - a graph, not a secret

    def tables(layer: int, count: int) -> list[str]:
        return [f"t{layer}_{n}" for n in chance.sample(range(WIDTH), count)]

    for job in range(JOBS):
        layer = job % (LAYERS - 1)
        reads, writes = tables(layer, READS), tables(layer + 1, WRITES)
        yield run_event(f"job_{job}", reads, writes, at=job)


def fill(store: LineageStore) -> None:
    """Store the graph."""
    batch = []
    for event in events():
        batch.append(event)
        if len(batch) == BATCH:
            store.ingest(batch)
            batch.clear()
    store.ingest(batch)


def ours(reader: Reader, start: int) -> Answer:
    """Return what a dataset was made from, by our reader."""
    found = reached(reader, reader.snapshot(), start, Direction.UP, DEPTH)
    return {(one.node.namespace, one.node.name) for one in found}


def recursive(connection: psycopg.Connection, start: int) -> Answer:
    """Return it by a recursive query."""
    statement = (SQL / "upstream_closure.sql").read_bytes()
    values = {"start": start, "depth": DEPTH}
    return set(connection.execute(statement, values).fetchall())


def by_networkx(connection: psycopg.Connection, start: int) -> Answer:
    """Return it by networkx, from the rows of the tables."""
    nx = import_module("networkx")
    rows = connection.execute(
        "SELECT job_id, dataset_id, direction = 'w' FROM lineage.edges"
    )
    graph = nx.DiGraph(
        (dataset, -job) if writes else (-job, dataset) for job, dataset, writes in rows
    )
    found = nx.single_source_shortest_path_length(graph, start, cutoff=DEPTH)
    names = connection.execute(
        "SELECT id, namespace, name FROM lineage.datasets "
        "UNION ALL SELECT -id, namespace, name FROM lineage.jobs"
    )
    return {
        (space, name) for key, space, name in names if key in found and key != start
    }


def times(
    answers: dict[str, Callable[[int], Answer]], starts: list[int]
) -> dict[str, list[float]]:
    """Return how long each answer took by each way, in milliseconds.

    The ways take turns, so that whatever else the machine does meets all of them.
    """
    took: dict[str, list[float]] = {name: [] for name in answers}
    for number, start in enumerate(starts):
        for name, answer in answers.items():
            if name == "networkx" and number >= FEW:
                continue
            begun = time.perf_counter()
            answer(start)
            took[name].append(1e3 * (time.perf_counter() - begun))
    return took


def p95(took: list[float]) -> float:
    """Return the time that 95 % of the answers keep."""
    return statistics.quantiles(took, n=20)[-1]


def ways(connection: psycopg.Connection) -> dict[str, Callable[[int], Answer]]:
    """Return each way to answer."""
    shared = Cache()
    found: dict[str, Callable[[int], Answer]] = {
        "ours, cold": lambda start: ours(Reader(connection), start),
        "ours, warm": lambda start: ours(Reader(connection, shared), start),
        "recursive CTE": lambda start: recursive(connection, start),
    }
    if find_spec("networkx") is None:
        return found
    return {**found, "networkx": lambda start: by_networkx(connection, start)}


def measure(connection: psycopg.Connection) -> None:
    """Check that all ways agree, time them, and report."""
    starts = _starts(connection)
    answers = ways(connection)
    for start in starts[:3]:  # also imports what they import
        assert len({frozenset(answer(start)) for answer in answers.values()}) == 1
    # A search for garbage among all that the four import would be timed as an answer.
    gc.collect()
    gc.freeze()
    took = times(answers, starts)
    figures = {
        name: {"p50": statistics.median(ms), "p95": p95(ms)}
        for name, ms in took.items()
    }
    report(
        "uc4_closure", claims(figures), {"milliseconds": figures, **size(connection)}
    )
    for name, known in figures.items():
        print(f"        {name}: p50 {known['p50']:.1f} ms, p95 {known['p95']:.1f} ms")


def claims(figures: dict[str, dict[str, float]]) -> list[Ratio]:
    """Return what the project promises, and how far it is kept."""
    cold, warm = figures["ours, cold"]["p95"], figures["ours, warm"]["p95"]
    what = f"upstream closure of 100 k edges, depth {DEPTH}"
    found = [
        at_most(f"p95 of {what}, read from PostgreSQL, ms", cold, LIMIT),
        at_most(f"p95 of {what}, known before, ms", warm, LIMIT),
    ]
    others = [name for name in figures if not name.startswith("ours")]
    return found + [
        at_most(
            f"p95 of {what}, read from PostgreSQL / {name}",
            cold / figures[name]["p95"],
            1.0,
        )
        for name in others
    ]


def size(connection: psycopg.Connection) -> dict[str, int]:
    """Return how large the graph and a typical answer are."""
    row = connection.execute("SELECT count(*) FROM lineage.edges").fetchone()
    start = _starts(connection)[0]
    return {"edges": row[0] if row else 0, "answer": len(recursive(connection, start))}


def _starts(connection: psycopg.Connection) -> list[int]:
    """Return datasets of the layers that have 20 edges, or more, above them."""
    rows = connection.execute("SELECT id, name FROM lineage.datasets ORDER BY name")
    deep = [key for key, name in rows if int(name[1:].partition("_")[0]) >= DEPTH // 2]
    return random.Random(1).sample(deep, STARTS)  # noqa: S311 - a choice, no secret


def main() -> None:
    """Fill a store and measure."""
    with temporary_postgres() as postgres:
        store = LineageStore(postgres)
        fill(store)
        store.close()
        with store.connect() as connection:
            connection.autocommit = True
            connection.execute("ANALYZE")
            measure(connection)


if __name__ == "__main__":
    main()
