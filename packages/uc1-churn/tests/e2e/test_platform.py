"""The whole local platform, in a home of its own: raised, crashed, lowered.

The tests stand in the order of a day with it; each goes on where the last one ended.
"""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlops_common import web
from mlops_common.bootstrap import Platform, connect
from mlops_common.deployments import installed
from mlops_common.home import reset
from mlops_common.orchestration.deployments.running import running
from mlops_common.parts.folder import PlatformFolder
from mlops_common.parts.overview import overview
from mlops_common.processes import LOOPBACK, Identity, wait_until
from mlops_common.settings import Settings
from mlops_common.simulation import write_company
from mlops_common.testing.command import mlops
from mlops_common.testing.serving import SERVICE, spec

PATIENCE = 180.0  # seconds
DEPLOYMENT = "UC1: Churn Prediction Pipeline/churn-prediction-daily"
NAMES = ["keeper", "postgres", "prefect-server", "mlflow", "worker"]
Row = dict[str, Any]


class Home:
    """A platform under test."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.path = platform.settings.home
        self.seen: set[Identity] = set()
        self.runs: list[str] = []

    def told(self, *words: str) -> Any:
        """Return what a command told, after it went well."""
        said = mlops(*words, "--json")
        assert said.code == 0, said.err + said.out
        return json.loads(said.out)

    def rows(self) -> dict[str, Row]:
        """Return how the parts are doing, and remember their processes."""
        rows = {row.name: row.as_json() for row in overview(self.platform)}
        for pid in filter(None, (row["pid"] for row in rows.values())):
            with suppress(ProcessLookupError):
                self.seen.add(Identity.of(pid))
        return rows

    def kill(self, name: str) -> None:
        os.kill(self.rows()[name]["pid"], signal.SIGKILL)

    def becomes(self, name: str, met: Callable[[Row], bool]) -> bool:
        """Wait until the status of a part is as wanted."""
        return wait_until(lambda: met(self.rows()[name]), PATIENCE, pause=0.5)

    def kept(self, name: str) -> str:
        """Return the state of a part as the keeper knows it."""
        parts = PlatformFolder(self.path).report().parts
        return parts[name].state if name in parts else ""

    def api(self, path: str, data: dict[str, Any] | None = None) -> Any:
        url = self.rows()["prefect-server"]["url"]
        body = None if data is None else json.dumps(data).encode()
        kind = {"Content-Type": "application/json"}
        answer = web.request(f"{url}/api/{path}", headers=kind, data=body)
        assert answer.status < 300, answer.body
        return answer.json()

    def started_run(self) -> str:
        """Start the deployment; return the run's number once its process works."""
        found = self.api(f"deployments/name/{DEPLOYMENT.replace(' ', '%20')}")
        made = self.api(f"deployments/{found['id']}/create_flow_run", {})
        number = str(made["id"])
        self.runs.append(number)
        assert wait_until(lambda: number in self.going_on(), PATIENCE, pause=0.2)
        assert wait_until(lambda: self.state(number) == "RUNNING", PATIENCE, pause=0.2)
        return number

    def going_on(self) -> set[str]:
        """Return the runs that have processes, and remember these."""
        found = running(self.path)
        self.seen |= {process for run in found for process in run.processes}
        return {run.id for run in found}

    def state(self, number: str) -> str:
        return str(self.api(f"flow_runs/{number}")["state"]["type"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("raised")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(folder / "home"))
        patch.setenv("PREFECT_HOME", str(folder / "profile"))
        patch.delenv("PREFECT_API_URL", raising=False)
        patch.chdir(folder)
        platform = connect(Settings(home=folder / "home"))
        platform.postgres.ensure_database("customers")
        write_company(
            platform.postgres,
            seed=3,
            customers=1_500,
            months=4,
            end=datetime.now(UTC).date().replace(day=1),
        )
        yield Home(platform)
        reset(platform)


def test_two_commands_at_once_raise_one_platform(home: Home) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _n: home.told("up"), range(2)))

    starts = sorted(both, key=lambda told: len(told["started"]))
    assert starts[0]["started"] == []
    assert set(starts[1]["started"]) >= {"prefect-server", "mlflow", "worker"}
    assert {*starts[1]["seconds"]} >= {
        "Start Prefect server",
        "Start Worker of local-pool",
        "Register the deployments",
        "Wait for the worker",
    }
    assert both[0]["deployments"] == both[1]["deployments"]
    assert len(both[0]["deployments"]) == len(installed())
    assert DEPLOYMENT in both[0]["deployments"]
    rows = {row["name"]: row for row in home.told("status")["parts"]}
    assert [*rows] == NAMES
    assert {row["state"] for row in rows.values()} == {"running"}
    assert {row["health"] for row in rows.values()} == {"ok", ""}
    assert all(row["memory"] > 0 and Path(row["log"]).exists() for row in rows.values())


def test_the_pages_answer_on_loopback_alone_and_know_their_own_port(
    home: Home,
) -> None:
    rows = home.rows()
    prefect, mlflow = rows["prefect-server"]["url"], rows["mlflow"]["url"]

    assert web.request(f"{prefect}/ui-settings").json()["api_url"] == f"{prefect}/api"
    assert web.healthy(f"{mlflow}/")
    strange = web.request(f"{mlflow}/", headers={"Host": "elsewhere.example"})
    assert strange.status == 403
    assert listening(home) == {LOOPBACK}


def listening(home: Home) -> set[str]:
    """Return the addresses at which any process of the platform listens."""
    found = set()
    for root in home.rows().values():
        process = psutil.Process(root["pid"])
        for one in [process, *process.children(recursive=True)]:
            for connection in one.connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    found.add(connection.laddr.ip)
    return found


def test_a_worker_that_is_killed_is_started_again_and_its_log_goes_on(
    home: Home,
) -> None:
    before = home.rows()["worker"]

    home.kill("worker")

    assert home.becomes("worker", lambda row: row["health"] == "ok")
    assert home.becomes("worker", lambda row: row["restarts"] == 1)
    after = home.rows()["worker"]
    assert after["pid"] != before["pid"]
    assert after["port"] == before["port"]
    assert "it died" in after["problem"]
    said = mlops("logs", "worker", "--lines", "200")
    assert said.out.count("started!") == 2
    assert "Worker of local-pool: it died" in mlops("logs", "keeper").out


def test_a_keeper_that_is_killed_is_followed_by_another(home: Home) -> None:
    before = home.rows()

    home.kill("keeper")

    assert home.becomes("keeper", lambda row: row["restarts"] == 1)
    after = home.rows()
    assert after["keeper"]["pid"] != before["keeper"]["pid"]
    assert after["worker"]["restarts"] == 1
    for name in ("worker", "mlflow", "prefect-server", "postgres"):
        assert after[name]["pid"] == before[name]["pid"]


def test_nothing_goes_down_under_a_run_unasked(home: Home) -> None:
    number = home.started_run()

    said = mlops("down")

    assert said.code == 4
    assert home.api(f"flow_runs/{number}")["name"] in said.err
    assert home.rows()["worker"]["state"] == "running"


def test_a_run_whose_worker_is_killed_crashes_and_leaves_its_place(home: Home) -> None:
    (crashed,) = home.runs

    home.kill("worker")

    assert wait_until(lambda: home.state(crashed) == "CRASHED", PATIENCE, pause=0.5)
    # It may have said so itself, a moment before its end.
    assert wait_until(lambda: crashed not in home.going_on(), PATIENCE, pause=0.2)
    assert home.becomes("worker", lambda row: row["health"] == "ok")
    home.started_run()


def test_down_by_force_cancels_the_run_and_leaves_no_process(home: Home) -> None:
    home.rows(), home.going_on()
    seen = {process for process in home.seen if process.alive()}
    assert len(seen) > len(NAMES)

    told = home.told("down", "--force")

    assert len(told["cancelled"]) == 1
    assert set(told["stopped"]) >= {"Prefect server", "PostgreSQL"}
    assert [process for process in seen if process.alive()] == []
    assert {row["state"] for row in home.rows().values()} == {"stopped"}


def test_up_again_finds_the_history_and_lets_a_stranger_keep_a_port(
    home: Home,
) -> None:
    port = int((home.path / "platform/parts/mlflow.port").read_text("utf-8"))

    with socket.create_server((LOOPBACK, port)):
        told = home.told("up")

    assert set(told["moved"]) == {"mlflow"}
    assert told["moved"]["mlflow"] != port
    assert web.healthy(f"http://{LOOPBACK}:{told['moved']['mlflow']}/")
    assert [home.state(number) for number in home.runs] == ["CRASHED", "CANCELLED"]


def test_a_service_whose_supervisor_is_killed_answers_again(
    home: Home, tmp_path: Path
) -> None:
    serving = home.platform.serving
    serving.stage(spec(tmp_path, 1))
    url = serving.promote(SERVICE).url
    assert home.becomes(SERVICE, lambda row: row["detail"] == "version 1")
    told = home.rows()
    assert told[SERVICE]["url"].startswith(url)
    assert told[f"{SERVICE}/1"]["pid"] != told[SERVICE]["pid"]
    assert wait_until(lambda: home.kept(SERVICE) == "running", PATIENCE)

    home.kill(SERVICE)

    assert home.becomes(SERVICE, lambda row: row["restarts"] == 1)
    assert home.becomes(SERVICE, lambda row: row["health"] == "ok")
    assert home.rows()[SERVICE]["url"].startswith(url)


def test_down_leaves_nothing_but_the_data(home: Home) -> None:
    home.rows()

    told = home.told("down")

    assert told["cancelled"] == []
    assert [process for process in home.seen if process.alive()] == []
    assert (home.path / "postgres").is_dir()
    assert mlops("down").out.startswith("nothing runs in")
