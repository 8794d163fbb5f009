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
from mlops_common.orchestration.server import server_url
from mlops_common.parts.overview import memory, overview
from mlops_common.processes import LOOPBACK, Identity, free_port, wait_until
from mlops_common.settings import Settings
from mlops_common.simulation import write_company

PATIENCE = 600.0  # seconds
OVERHEAD = 10.0  # seconds that a worker may cost
FLOW = "UC1: Churn Prediction Pipeline"
PARAMS = {"training": {"bootstrap_replicates": 100, "trees": 100}}
SETS = ("training.bootstrap_replicates=100", "training.trees=100")
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
    """Ask an API of Prefect."""
    body = None if data is None else json.dumps(data).encode()
    kind = {"Content-Type": "application/json"}
    answer = web.get(url, headers=kind, data=body, timeout=60)
    if answer.status >= 300:  # noqa: PLR2004 - of HTTP
        raise RuntimeError(f"{url} answered {answer.status}: {answer.body[:300]!r}")
    return answer.json()


def submitted(api: str, params: Mapping[str, Any]) -> dict[str, float]:
    """Run the deployment; return the seconds of each part of it."""
    name = f"{FLOW}/{installed()[0].name}".replace(" ", "%20")
    found = call(f"{api}/deployments/name/{name}")
    made = call(
        f"{api}/deployments/{found['id']}/create_flow_run",
        {"parameters": {"params": params}},
    )

    def state() -> str:
        return str(call(f"{api}/flow_runs/{made['id']}")["state"]["type"])

    wait_until(lambda: state() in TERMINAL, PATIENCE, pause=0.5)
    if state() != "COMPLETED":
        raise RuntimeError(f"the run ended as {state()}")
    return parts(api, str(made["id"]))


def parts(api: str, number: str) -> dict[str, float]:
    """Return when a run came how far, by the API's own records."""
    states = call(f"{api}/flow_run_states/?flow_run_id={number}")
    at = {state["type"]: instant(state["timestamp"]) for state in reversed(states)}
    tasks = call(
        f"{api}/task_runs/filter",
        {"flow_runs": {"id": {"any_": [number]}}, "sort": "EXPECTED_START_TIME_ASC"},
    )
    first = min(instant(task["start_time"]) for task in tasks if task["start_time"])
    begun = at["SCHEDULED"]
    return {
        "submission to pending (the worker's poll)": at["PENDING"] - begun,
        "pending to running (start of the process, imports)": (
            at["RUNNING"] - at["PENDING"]
        ),
        "running to first task": first - at["RUNNING"],
        "submission to first task": first - begun,
        "submission to end": at["COMPLETED"] - begun,
    }


def instant(text: str) -> float:
    """Return a time of the API in seconds."""
    return datetime.fromisoformat(text).timestamp()


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
    with subprocess.Popen(server, **quiet) as serving:
        wait_until(lambda: web.healthy(f"{api}/health"), PATIENCE, pause=0.1)
        took["prefect server start"] = lap(start, took)
        file = str(installed()[0].file)
        create = [*prefect, "work-pool", "create", POOL, "--type", "process"]
        subprocess.run(create, check=True, **quiet)
        deploy = [*prefect, "--no-prompt", "deploy", "--all", "--prefect-file", file]
        subprocess.run(deploy, check=True, **quiet)
        took["prefect work-pool create, prefect deploy --all"] = lap(start, took)
        work = [*prefect, "worker", "start", "--pool", POOL, "--type", "process"]
        with subprocess.Popen(work, **quiet) as working:
            wait_until(lambda: is_online(api), PATIENCE, pause=0.1)
            took["prefect worker start"] = lap(start, took)
            took["memory: server"] = memory(Identity.of(serving.pid)) or 0
            took["memory: worker"] = memory(Identity.of(working.pid)) or 0
            yield api, took
            end(working)
        end(serving)


def lap(start: float, before: Mapping[str, float]) -> float:
    """Return the seconds since the last lap."""
    return time.perf_counter() - start - sum(before.values())


def is_online(api: str) -> bool:
    """Whether a worker of the pool is online."""
    found = call(f"{api}/work_pools/{POOL}/workers/filter", {})
    return any(worker["status"] == "ONLINE" for worker in found)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program with its children."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=20)
    for child in alive:
        child.kill()


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
    """Measure in a home of its own, which is warm after its first `mlops up`."""
    platform.postgres.ensure_database(platform.settings.postgres.database)
    month = datetime.now(UTC).date().replace(day=1)
    write_company(platform.postgres, seed=7, customers=1_500, months=4, end=month)
    mlops("up")
    direct = ("run", "uc1", *(w for s in SETS for w in ("--set", s)))
    mlops(*direct)
    for _ in stop(platform):
        pass

    up, told = timed("up")
    again, _ = timed("up")
    idle = weights(platform)
    api = server_url(platform.settings.home) or ""
    worked = submitted(api, PARAMS)
    alone, _ = timed(*direct)
    for _ in stop(platform):
        pass

    (folder / "hand").mkdir()
    with by_hand(folder / "hand") as (other, took):
        handmade = submitted(other, PARAMS)
    hand = sum(value for key, value in took.items() if not key.startswith("memory"))

    overhead = worked["submission to end"] - alone
    first = "submission to first task"
    report(
        "orchestration_platform",
        [
            at_most("seconds of a worker over the same run", overhead, OVERHEAD),
            at_most(f"{first} / by hand", worked[first] / handmade[first], 1.0),
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


if __name__ == "__main__":
    main()
