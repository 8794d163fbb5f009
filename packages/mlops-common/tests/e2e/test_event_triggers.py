"""A use case that reacts to an event: a worker runs it, or a process that serves it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Completed, Pending

from mlops_common.bootstrap import Platform, connect
from mlops_common.deployments import Deployment, find
from mlops_common.home import reset
from mlops_common.orchestration.deployments.deploying import (
    client_of,
    deploy,
    ensure_pool,
    register,
)
from mlops_common.orchestration.deployments.submission import find as find_registered
from mlops_common.orchestration.deployments.submission import run_deployed
from mlops_common.orchestration.server.process import server_process, start_server
from mlops_common.processes import wait_until
from mlops_common.settings import Settings
from mlops_common.testing.command import python
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.testing.prefect import PREFECT, QUICK, Team, Worker

pytestmark = PREFECT_CLIENT
PATIENCE = 120.0  # seconds
INSTALLED = Path(__file__).parent / "installed"  # a distribution, as pip leaves it
EVENT = "uc9.drift.detected"
AUTOMATIONS = {"reaction__automation_1": True, "reaction__automation_2": False}
SERVE = """
import sys
from mlops_common import deployments, use_case
from mlops_common.bootstrap import connect
from mlops_common.orchestration.deployments.served import serve

name = sys.argv[1]
serve(use_case.find(name), connect(), deployments.find(name), {})
"""
EMIT = """
import json, sys
from prefect.events import emit_event
from prefect.events.worker import EventsWorker

event, feature = sys.argv[1:]
resource = {"prefect.resource.id": f"uc9.feature.{feature}"}
emit_event(event, resource=resource, payload={"feature": feature})
EventsWorker.instance().drain()
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A home of its own; every Python started here finds the use case installed."""
    home = tmp_path_factory.mktemp("uc9") / "home"
    before = os.environ.get("PYTHONPATH", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(INSTALLED))
        patch.setenv("PYTHONPATH", f"{INSTALLED}{os.pathsep}{before}")
        patch.setenv("MLOPS_HOME", str(home))
        patch.setenv("PREFECT_HOME", str(home.with_name("profile")))
        patch.delenv("PREFECT_API_URL", raising=False)
        platform = connect(Settings(home=home))
        yield platform
        reset(platform)


@pytest.fixture(scope="module")
def url(platform: Platform) -> str:
    return start_server(platform)


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[SyncPrefectClient]:
    with client_of(url) as client:
        yield client


@pytest.fixture(scope="module")
def deployment(url: str, api: SyncPrefectClient) -> Deployment:
    """Deploy it, then register it as `mlops up` does: what is there is replaced."""
    found = find("uc9")
    ensure_pool(api)
    deploy(found.file, url)
    assert "UC9: Reaction/reaction" in register(url)
    return found


@pytest.fixture
def worker(url: str, deployment: Deployment, tmp_path: Path) -> Iterator[Worker]:
    words = [*PREFECT, "worker", "start", "--pool", deployment.pool]
    team = Team(url, {"PREFECT_API_URL": url})
    worker = Worker(" ".join(words), team, tmp_path, {})
    yield worker
    worker.stop()


@pytest.fixture
def serving(deployment: Deployment, tmp_path: Path) -> Iterator[Path]:
    """The log of a process that serves the deployment, without a worker."""
    log = tmp_path / "serving.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, deployment.use_case],
            env={**os.environ, **QUICK},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        ) as process,
    ):
        yield log
        process.terminate()


def emit(url: str, event: str, feature: str) -> None:
    """Emit an event as another program does: in a process of its own."""
    said = python("-c", EMIT, event, feature, variables={"PREFECT_API_URL": url})
    assert said.code == 0, said.err


def reacted(platform: Platform, feature: str) -> bool:
    """Whether a run reacts to the drift of a feature within some time."""
    features = platform.settings.home / "features"

    def told() -> bool:
        return features.exists() and feature in features.read_text("utf-8").split()

    return wait_until(told, PATIENCE, pause=0.5)


def automations(api: SyncPrefectClient) -> dict[str, bool]:
    """Return which automations of the deployment there are, and whether each is on."""
    found = api.read_automations()
    return {a.name: a.enabled for a in found if a.name.startswith("reaction")}


def test_its_triggers_are_known_and_so_is_which_is_on(deployment: Deployment) -> None:
    on, off = deployment.triggers

    assert (str(on), on.active) == (f"on {EVENT}", True)
    assert (str(off), off.active) == ("on uc9.nothing", False)


def test_each_trigger_is_one_automation_also_after_the_second_deploy(
    deployment: Deployment, api: SyncPrefectClient
) -> None:
    assert len(deployment.triggers) == 2
    assert automations(api) == AUTOMATIONS


def test_an_event_starts_a_run_with_what_it_tells(
    worker: Worker, url: str, api: SyncPrefectClient, platform: Platform
) -> None:
    emit(url, "uc9.something.else", "age")
    emit(url, "uc9.nothing", "age")
    emit(url, EVENT, "tenure")

    assert reacted(platform, "tenure"), worker.log.read_text("utf-8")
    creators = [(run.created_by, run.parameters) for run in api.read_flow_runs()]
    assert [
        parameters
        for creator, parameters in creators
        if creator is not None and creator.type == "AUTOMATION"
    ] == [{"feature": "tenure"}]


def test_a_process_that_serves_takes_over_name_tags_schedule_and_triggers(
    serving: Path,
    deployment: Deployment,
    url: str,
    api: SyncPrefectClient,
    platform: Platform,
) -> None:
    def taken_over() -> bool:
        return find_registered(api, deployment, url).work_pool_name is None

    assert wait_until(taken_over, PATIENCE, pause=0.5), serving.read_text("utf-8")
    served = find_registered(api, deployment, url)
    (schedule,) = (one.schedule for one in served.schedules)

    assert set(served.tags) == {"uc9", "drift"}
    assert isinstance(schedule, CronSchedule)
    assert (schedule.cron, schedule.timezone) == ("0 6 1 1 *", "Europe/Berlin")
    assert wait_until(lambda: automations(api) == AUTOMATIONS, PATIENCE)
    emit(url, EVENT, "income")
    assert reacted(platform, "income"), serving.read_text("utf-8")


def test_a_run_that_who_serves_it_starts_is_not_given_up(
    url: str, deployment: Deployment, api: SyncPrefectClient
) -> None:
    flow = find_registered(api, deployment, url).flow_id
    served = replace(deployment, name="served")
    api.create_deployment(flow, served.name, entrypoint=served.entrypoint)

    def end(run: UUID) -> None:
        with client_of(url) as own:
            own.set_flow_run_state(run, Completed(), force=True)

    def start(page: str) -> None:
        run = UUID(page.rpartition("/")[2])
        api.set_flow_run_state(run, Pending(), force=True)
        threading.Timer(3, end, (run,)).start()

    done = run_deployed(url, served, {"feature": "age"}, start, patience=1)

    assert done.state == "Completed"


def test_who_holds_a_slot_holds_it_after_a_restart_of_the_server(
    platform: Platform, url: str, api: SyncPrefectClient
) -> None:
    wanted = GlobalConcurrencyLimitCreate(name="slot", limit=1)
    api.create_global_concurrency_limit(wanted)
    answer = api.increment_concurrency_slots_with_lease(
        ["slot"], 1, mode="concurrency", lease_duration=600
    )
    lease = UUID(answer.json()["lease_id"])

    server_process(platform.settings.home).stop()
    assert start_server(platform) == url

    api.renew_concurrency_lease(lease, lease_duration=600)
    assert api.read_global_concurrency_limit_by_name("slot").active_slots == 1
