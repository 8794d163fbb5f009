"""Measures `mlops up`, what a run on its worker costs, and what the platform weighs.

The reference is what one would type by hand: `prefect server start`, `prefect worker
start`, `prefect deploy --all`, on Prefect's own SQLite file and with its own defaults.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from harness import at_most, report

from mlops_common import web
from mlops_common.bootstrap import Platform, connect
from mlops_common.deployments import POOL, installed
from mlops_common.home import reset, stop
from mlops_common.orchestration.server.process import server_url
from mlops_common.parts.overview import memory, overview
from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK, Identity, wait_until
from mlops_common.settings import Settings
from mlops_common.simulation import write_company

PATIENCE = 600.0  # seconds
OVERHEAD = 10.0  # seconds that a worker may cost
FLOW = "UC1: Churn Prediction Pipeline"
QUICK = {"bootstrap_replicates": 100, "trees": 100}
# Another seed may make a worse model, which is not what this is about.
LENIENT = {"tolerance": 1, "max_calibration_error": 1}
FIRST = "submission to first task"
BUSY, BAD = 503, 300  # statuses
TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def mlops(*words: str) -> Any:
    """Run the command; return what it told."""
    command = [sys.executable, "-m", "mlops_common.cli", *words, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def timed(*words: str) -> tuple[float, Any]:
    """Run the command; return its seconds and what it told."""
    start = time.perf_counter()
    told = mlops(*words)
    return time.perf_counter() - start, told


def call(url: str, data: dict[str, Any] | None = None) -> Any:
    """Ask an API of Prefect; on SQLite it is busy now and then."""
    body = None if data is None else json.dumps(data).encode()
    kind = {"Content-Type": "application/json"}
    deadline = time.monotonic() + PATIENCE
    answer = web.request(url, headers=kind, data=body, timeout=60)
    while answer.status == BUSY and time.monotonic() < deadline:
        time.sleep(0.2)
        answer = web.request(url, headers=kind, data=body, timeout=60)
    if answer.status >= BAD:
        raise RuntimeError(f"{url} answered {answer.status}: {answer.body[:300]!r}")
    return answer.json()


def submitted(api: str, seed: int) -> str:
    """Run the deployment with a seed of its own; return the number of the run."""
    name = f"{FLOW}/{installed()[0].name}".replace(" ", "%20")
    found = call(f"{api}/deployments/name/{name}")
    params = {"training": {**QUICK, "seed": seed}, "gate": LENIENT}
    made = call(
        f"{api}/deployments/{found['id']}/create_flow_run",
        {"parameters": {"params": params}},
    )
    return str(made["id"])


def await_end(api: str, number: str) -> None:
    """Wait for the end of a run, which must be a good one."""

    def state() -> str:
        return str(call(f"{api}/flow_runs/{number}")["state"]["type"])

    wait_until(lambda: state() in TERMINAL, PATIENCE, pause=0.5)
    if state() != "COMPLETED":
        raise RuntimeError(f"the run ended as {state()}")


def task_starts(api: str, number: str) -> list[float]:
    """Return when the tasks of a run were started, as far as they were."""
    tasks = call(f"{api}/task_runs/filter", {"flow_runs": {"id": {"any_": [number]}}})
    return [instant(task["start_time"]) for task in tasks if task["start_time"]]


def parts(api: str, number: str) -> dict[str, float]:
    """Return when a run came how far, by the API's own records."""
    states = call(f"{api}/flow_run_states/?flow_run_id={number}")
    at: dict[str, float] = {}
    for state in states:
        kind, when = state["type"], instant(state["timestamp"])
        at[kind] = min(when, at.get(kind, when))
    begun, first = at["SCHEDULED"], min(task_starts(api, number))
    taken = at["PENDING"]
    return {
        "submission to pending (the worker's poll)": taken - begun,
        "pending to running (a process, its imports)": at["RUNNING"] - taken,
        "running to first task": first - at["RUNNING"],
        FIRST: first - begun,
        "submission to end": at.get("COMPLETED", first) - begun,
    }


def instant(text: str) -> float:
    """Return a time of the API in seconds."""
    return datetime.fromisoformat(text).timestamp()


def run_directly(seed: int) -> float:
    """Run the flow by the command, with a seed of its own; return its seconds."""
    training = {**QUICK, "seed": seed}
    sets = [f"training.{key}={value}" for key, value in training.items()]
    sets += [f"gate.{key}={value}" for key, value in LENIENT.items()]
    took, _ = timed("run", "uc1", *(word for one in sets for word in ("--set", one)))
    return took


def weights(platform: Platform) -> dict[str, int]:
    """Return the resident memory of each part, MB."""
    return {row.name: row.memory for row in overview(platform) if row.memory}


@contextmanager
def by_hand(folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Start a server, a worker and the deployments as the manual says."""
    port = free_port()
    api = f"http://{LOOPBACK}:{port}/api"
    env = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    prefect = [sys.executable, "-m", "prefect"]
    quiet: dict[str, Any] = {"cwd": folder, "env": env, "stdout": subprocess.DEVNULL}
    quiet["stderr"] = subprocess.DEVNULL
    took: dict[str, float] = {}
    start = time.perf_counter()
    server = [*prefect, "server", "start", "--host", LOOPBACK, "--port", str(port)]
    with program(server, quiet) as serving:
        wait_until(lambda: web.healthy(f"{api}/health"), PATIENCE, pause=0.1)
        took["prefect server start"] = lap(start, took)
        file = str(installed()[0].file)
        create = [*prefect, "work-pool", "create", POOL, "--type", "process"]
        subprocess.run(create, check=True, **quiet)
        deploy = [*prefect, "--no-prompt", "deploy", "--all", "--prefect-file", file]
        subprocess.run(deploy, check=True, **quiet)
        took["prefect work-pool create, prefect deploy --all"] = lap(start, took)
        work = [*prefect, "worker", "start", "--pool", POOL, "--type", "process"]
        with program(work, quiet) as working:
            wait_until(lambda: is_online(api), PATIENCE, pause=0.1)
            took["prefect worker start"] = lap(start, took)
            took["memory: server"] = memory(Identity.of(serving.pid)) or 0
            took["memory: worker"] = memory(Identity.of(working.pid)) or 0
            yield api, took


@contextmanager
def program(
    command: list[str], options: Mapping[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends, and end it with its children."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=20)
            for child in alive:
                child.kill()


def lap(start: float, before: Mapping[str, float]) -> float:
    """Return the seconds since the last lap."""
    return time.perf_counter() - start - sum(before.values())


def is_online(api: str) -> bool:
    """Whether a worker of the pool is online."""
    found = call(f"{api}/work_pools/{POOL}/workers/filter", {})
    return any(worker["status"] == "ONLINE" for worker in found)


def main() -> None:
    """Measure, compare, report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"MLOPS_HOME": f"{name}/home", "PREFECT_HOME": f"{name}/profile"}
        os.environ.pop("PREFECT_API_URL", None)
        os.chdir(folder)
        platform = connect(Settings(home=folder / "home"))
        try:
            measure(platform, folder)
        finally:
            reset(platform)


def measure(platform: Platform, folder: Path) -> None:
    """Measure in a home of its own, against what one would start by hand."""
    warm(platform)
    up, told = timed("up")
    again, _ = timed("up")
    idle = weights(platform)
    worked = submission(server_url(platform.settings.home) or "")
    alone = run_directly(3)
    for _ in stop(platform):
        pass
    took, handmade = raised_by_hand(folder / "hand")
    hand = sum(value for key, value in took.items() if not key.startswith("memory"))

    overhead = worked["submission to end"] - alone
    report(
        "orchestration_platform",
        [
            at_most("seconds of a worker over the same run", overhead, OVERHEAD),
            at_most(f"{FIRST} / by hand", worked[FIRST] / handmade[FIRST], 1.0),
        ],
        {
            "mlops up, warm home": up,
            "by part": told["seconds"],
            "mlops up, all of it runs": again,
            "idle memory, MB": idle,
            "on the worker": worked,
            "the same run directly": alone,
            "by hand, until the worker is online": hand,
            "by hand, by part": took,
            "by hand, on the worker": handmade,
        },
    )
    for title, seconds in {"mlops up, warm": up, "by hand": hand}.items():
        print(f"        {title}: {seconds:.1f} s")
    print(f"        idle memory: {sum(idle.values())} MB {idle}")


def warm(platform: Platform) -> None:
    """Bring the platform up once, run once, and take it down."""
    platform.postgres.ensure_database(platform.settings.postgres.database)
    month = datetime.now(UTC).date().replace(day=1)
    write_company(platform.postgres, seed=7, customers=1_500, months=4, end=month)
    mlops("up")
    run_directly(1)
    for _ in stop(platform):
        pass


def submission(api: str) -> dict[str, float]:
    """Return the seconds of a run on the platform's worker, by part."""
    number = submitted(api, seed=2)
    await_end(api, number)
    return parts(api, number)


def raised_by_hand(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return what starting by hand takes, and the parts of a run there."""
    folder.mkdir()
    with by_hand(folder) as (other, took):
        mine = submitted(other, seed=4)
        wait_until(lambda: bool(task_starts(other, mine)), PATIENCE, pause=0.5)
        return took, parts(other, mine)


if __name__ == "__main__":
    main()
