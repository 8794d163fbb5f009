"""What lineage costs a task: ours, and OpenLineage's own client over HTTP.

Both tell the start and the end of each task, with twenty columns and their origins, to
one double of Marquez in a process of its own. A task works for 20 ms; how much longer
all of them take than without lineage is what its threads cost besides. What UC1's
largest step, the extract, pays is measured by `uc4_emission_extract.py`.

A cost is the time that a task waits for its lineage, less the time in which its thread
could have run and had no processor, as the kernel counts it: that tells of the machine.
`wall` is the whole time, which is the same where a processor is free; `cpu` is what its
thread computes. Where the p95 of `nobody`, who observes and tells nothing, is not below
a millisecond, the machine is so busy that only `cpu` tells of the program. The first
task counts apart, and what it causes is waited for: threads that start, and imports.
Run:

    python benchmarks/uc4_emission.py --tasks 150
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import harness

from mlops_common import web
from mlops_common.errors import BackendError
from mlops_common.lineage.dataset import Dataset, columns, copied
from mlops_common.lineage.naming import postgres_table, run_id, versioned
from mlops_common.lineage.observation import Engine, JobRun, Observation, observed
from mlops_common.lineage.source import code_of
from mlops_common.lineage.statement import Statement
from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK
from mlops_common.sections import LineageSettings

LIMIT = 5.0  # milliseconds that a task may pay
WORK = 0.02  # seconds that a task works
ROUNDS = 3
ENOUGH = 30.0  # seconds after which no further round begins: the machine is busy
LONGEST = 12.0  # seconds after which a run has no further task, for the same reason
PATIENCE = 60.0  # seconds
COLUMNS = [f"column_{number}" for number in range(20)]
TABLE = postgres_table(None, "shop", "orders")
FILE = versioned("s3://mlops/raw/orders/ab.parquet")
ENGINE = Engine(name="Prefect", version="3.8.8")
# No column is named: then the parser is paid for, as it is for most queries.
QUERY = "COPY (SELECT * FROM orders WHERE day < '2026-01-31') TO STDOUT"

EXTRACT = Path(__file__).with_name("uc4_emission_extract.py")

Emit: TypeAlias = Callable[[int], None]
Settle: TypeAlias = Callable[[], object]  # waits for what the first emission caused
Figures: TypeAlias = dict[str, float]


def seen(number: int) -> Iterator[Observation]:
    """Yield what is observed of a task: that it starts, and how it ended."""
    run = JobRun(run=run_id("task", str(number)), job="churn_pipeline.extract")
    flow = JobRun(run=run_id("flow"), job="churn_pipeline")
    known: dict[str, Any] = {"parent": flow, "engine": ENGINE, "job_type": "TASK"}
    known["code"] = code_of("mlops_common.lineage.source")
    yield observed("START", run, datetime.now(UTC), **known)
    fields = columns(dict.fromkeys(COLUMNS, "double precision"))
    table = Dataset(name=TABLE, fields=fields, kind="TABLE", rows=10_000)
    file = Dataset(
        name=FILE,
        fields=fields,
        version="ab",
        rows=10_000,
        origins=copied(TABLE, COLUMNS),
    )
    statement = Statement(
        query=QUERY, server=TABLE.namespace, database="shop", output=FILE
    )
    yield observed(
        "COMPLETE",
        run,
        datetime.now(UTC),
        inputs=(table,),
        outputs=(file,),
        statements=(statement,),
        **known,
    )


@contextmanager
def ours(url: str) -> Iterator[tuple[Emit, Settle]]:
    """Emit through the queue on disk."""
    from mlops_common.bootstrap import Platform
    from mlops_common.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        settings = LineageSettings(url=url, embedded=False)
        lineage = Platform(Settings(home=Path(home), lineage=settings)).lineage
        assert lineage is not None

        def emit(number: int) -> None:
            for one in seen(number):
                lineage.emit(one)

        yield emit, lambda: lineage.flush(PATIENCE)
        lineage.close(PATIENCE)


@contextmanager
def plain(url: str) -> Iterator[tuple[Emit, Settle]]:
    """Emit by OpenLineage's client, which waits for each answer."""
    from openlineage.client import OpenLineageClient

    from mlops_common.lineage.event import Defaults, built

    client = OpenLineageClient(
        config={"transport": {"type": "http", "url": url, "endpoint": "api/v1/lineage"}}
    )
    defaults = Defaults("mlops", "team:churn")

    def emit(number: int) -> None:
        for one in seen(number):
            client.emit(built(one, defaults))

    yield emit, lambda: None
    client.close()


@contextmanager
def nothing(url: str) -> Iterator[tuple[Emit, Settle]]:  # noqa: ARG001 - as the others
    """Emit nothing."""
    yield (lambda _: None), lambda: None


@contextmanager
def nobody(url: str) -> Iterator[tuple[Emit, Settle]]:  # noqa: ARG001 - as the others
    """Observe, and tell nobody: what a busy machine makes of a millisecond."""
    yield (lambda number: list(seen(number)).clear()), lambda: None


CONTENDERS = {"ours": ours, "plain": plain, "nothing": nothing, "nobody": nobody}


def contend(name: str, url: str, tasks: int) -> None:
    """Run one contender; print what each task paid, and how long each took."""
    with CONTENDERS[name](url) as (emit, settle):
        found = [_paid(emit, 0)]
        settle()
        start = time.perf_counter()
        while len(found) <= tasks and time.perf_counter() - start < LONGEST:
            _work()
            found.append(_paid(emit, len(found)))
        each = (time.perf_counter() - start) / (len(found) - 1)
    print(json.dumps({"each": each, **harness.costs(found)}))


def _paid(emit: Emit, number: int) -> harness.Stopwatch:
    """Return what a task pays."""
    with harness.Stopwatch() as watch:
        emit(number)
    return watch


def _work() -> None:
    """Compute in Python for a while: threads of the same process stand in its way."""
    before = time.thread_time()
    while time.thread_time() - before < WORK:
        sum(range(1_000))


def receive(port: int) -> None:
    """Be the double of Marquez until the input ends."""
    from mlops_common.testing.lineage_receiver import MarquezDouble

    double = MarquezDouble(port=port)
    double.come()
    sys.stdin.read()
    double.go()


@contextmanager
def receiver() -> Iterator[str]:
    """Yield the URL of a double in a process of its own."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, __file__, "--receive", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + PATIENCE
        while not _answers(url) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield url
        assert process.stdin is not None
        process.stdin.close()


def _answers(url: str) -> bool:
    try:
        web.request(url, timeout=1)
    except BackendError:
        return False
    return True


def quantiles(costs: list[float]) -> dict[str, float]:
    """Return what the first task paid, and quantiles of the others, milliseconds."""
    later = sorted(costs[1:])
    return {
        "first": costs[0],
        "p50": statistics.median(later),
        "p95": later[int(len(later) * 0.95)],
        "max": later[-1],
    }


def figures(output: str) -> Figures:
    """Return what a run of tasks printed, in quantiles."""
    told = json.loads(output)
    wall = {f"wall_{name}": one for name, one in quantiles(told["wall"]).items()}
    cpu = {f"cpu_{name}": one for name, one in quantiles(told["cpu"]).items()}
    return {**quantiles(told["own"]), **wall, **cpu, "each": told["each"]}


def measured(url: str, tasks: int, *names: str) -> dict[str, Figures]:
    """Return the figures of each contender."""
    commands = {name: ("--run", name, url, str(tasks)) for name in names}
    return rounds({name: (__file__, *words) for name, words in commands.items()})


def rounds(programs: dict[str, tuple[str, ...]]) -> dict[str, Figures]:
    """Run each program in each round; return the best of each of its figures."""
    found: dict[str, list[Figures]] = {name: [] for name in programs}
    start = time.monotonic()
    for number in range(ROUNDS):
        if number and time.monotonic() - start > ENOUGH:
            break
        for name, words in programs.items():
            found[name].append(figures(harness.run(*words).output))
    return {
        name: {figure: min(run[figure] for run in runs) for figure in runs[0]}
        for name, runs in found.items()
    }


def main() -> None:
    """Compare, with the receiver there and away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=150)
    tasks = parser.parse_args().tasks
    with receiver() as url:
        there = measured(url, tasks, *CONTENDERS)
    away = measured(url, tasks, "ours")["ours"]
    extract = rounds({"extract": (str(EXTRACT),)})["extract"]
    extra = {
        name: (there[name]["each"] - there["nothing"]["each"]) * 1e3
        for name in ("ours", "plain")
    }
    mine, theirs = there["ours"], there["plain"]
    claims = [
        harness.at_most("emission in a task, p50 ms", mine["p50"], LIMIT),
        harness.at_most("emission in a task, p95 ms", mine["p95"], LIMIT),
        harness.at_most("of that, processor, p95 ms", mine["cpu_p95"], LIMIT),
        harness.at_most("the same, receiver away, p95 ms", away["p95"], LIMIT),
        harness.at_most("all that UC1's extract pays, p50 ms", extract["p50"], LIMIT),
        harness.at_most("all that UC1's extract pays, p95 ms", extract["p95"], LIMIT),
        harness.at_most("of that, processor, p95 ms", extract["cpu_p95"], LIMIT),
        harness.at_most("a task longer, threads included, ms", extra["ours"], LIMIT),
        harness.at_most("p95 / OpenLineage's client", mine["p95"] / theirs["p95"], 1.0),
    ]
    raw = {"ms": there, "away_ms": away, "extract_ms": extract, "longer_ms": extra}
    harness.report("uc4_emission", claims, {"tasks": tasks, **raw})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        contend(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:2] == ["--receive"]:
        receive(int(sys.argv[2]))
    else:
        main()
