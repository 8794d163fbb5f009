"""A use case that reacts to an event, deployed to a server and run by a worker."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient

from mlops_common.bootstrap import Platform, connect
from mlops_common.deployments import Deployment, read
from mlops_common.home import reset
from mlops_common.orchestration.deploying import client_of, deploy, ensure_pool
from mlops_common.orchestration.server import start_server
from mlops_common.processes import wait_until
from mlops_common.settings import Settings
from mlops_common.testing.prefect import PREFECT, Team, Worker

pytestmark = pytest.mark.filterwarnings(
    # Prefect's own client leaves what it opened to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::DeprecationWarning",
)

PATIENCE = 120.0  # seconds
EVENT = "uc9.drift.detected"
DECLARED = """
name: uc9-reaction
pull: []
deployments:
  - name: reaction
    entrypoint: uc9_reaction.react
    triggers:
      - type: event
        match: {prefect.resource.id: "uc9.feature.*"}
        expect: [uc9.drift.detected]
        parameters:
          feature: "{{ event.payload.feature }}"
          place: PLACE
      - enabled: false
        expect: [uc9.nothing]
    work_pool: {name: local-pool}
"""
FLOW = """
from pathlib import Path
from prefect import flow

@flow(name="UC9: Reaction")
def react(feature: str, place: str) -> None:
    with Path(place).open("a") as stream:
        stream.write(f"{feature}\\n")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the module of a use case, found by every Python started here."""
    folder = tmp_path_factory.mktemp("uc9")
    (folder / "uc9_reaction.py").write_text(FLOW, "utf-8")
    text = DECLARED.replace("PLACE", json.dumps(str(folder / "features")))
    (folder / "prefect.yaml").write_text(text, "utf-8")
    before = os.environ.get("PYTHONPATH", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{before}")
        patch.setenv("MLOPS_HOME", str(folder / "home"))
        patch.setenv("PREFECT_HOME", str(folder / "profile"))
        patch.delenv("PREFECT_API_URL", raising=False)
        yield folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    platform: Platform = connect(Settings(home=folder / "home"))
    yield start_server(platform)
    reset(platform)


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[SyncPrefectClient]:
    with client_of(url) as client:
        yield client


@pytest.fixture(scope="module")
def deployment(folder: Path, url: str, api: SyncPrefectClient) -> Deployment:
    """Deploy it, twice: what is there is replaced."""
    ensure_pool(api)
    for _ in range(2):
        deploy(folder / "prefect.yaml", url)
    (found,) = read("uc9", folder / "prefect.yaml")
    return found


@pytest.fixture(scope="module")
def worker(url: str, deployment: Deployment, folder: Path) -> Iterator[Worker]:
    words = [*PREFECT, "worker", "start", "--pool", deployment.pool]
    team = Team(url, {"PREFECT_API_URL": url})
    worker = Worker(" ".join(words), team, folder, {})
    yield worker
    worker.stop()


def emit(api: SyncPrefectClient, event: str, payload: dict[str, Any]) -> None:
    """Emit an event as another program does: in a process of its own."""
    from mlops_common.testing.command import python

    code = (
        "import sys, json; from prefect.events import emit_event; "
        "from prefect.events.worker import EventsWorker; "
        "emit_event(sys.argv[1], resource={'prefect.resource.id': sys.argv[2]}, "
        "payload=json.loads(sys.argv[3])); EventsWorker.instance().drain()"
    )
    words = ("-c", code, event, "uc9.feature.tenure", json.dumps(payload))
    said = python(*words, variables={"PREFECT_API_URL": str(api.api_url)})
    assert said.code == 0, said.err


def test_its_triggers_are_known_and_so_is_which_is_on(deployment: Deployment) -> None:
    on, off = deployment.triggers

    assert (str(on), on.active) == (f"on {EVENT}", True)
    assert (str(off), off.active) == ("on uc9.nothing", False)


def test_each_trigger_is_one_automation_also_after_the_second_deploy(
    deployment: Deployment, api: SyncPrefectClient
) -> None:
    assert len(deployment.triggers) == 2
    found = {one.name: one.enabled for one in api.read_automations()}

    assert found == {"reaction__automation_1": True, "reaction__automation_2": False}


def test_an_event_starts_a_run_with_what_it_tells(
    worker: Worker, api: SyncPrefectClient, folder: Path
) -> None:
    emit(api, "uc9.something.else", {"feature": "age"})
    emit(api, "uc9.nothing", {"feature": "age"})
    emit(api, EVENT, {"feature": "tenure"})
    written = folder / "features"

    assert wait_until(written.exists, PATIENCE, pause=0.5), worker.log.read_text()
    assert wait_until(lambda: bool(written.read_text("utf-8")), PATIENCE)

    assert written.read_text("utf-8") == "tenure\n"
    (run,) = api.read_flow_runs()
    assert run.parameters["feature"] == "tenure"
    assert run.created_by is not None
    assert run.created_by.type == "AUTOMATION"
