"""UC1 deployed to the Prefect server of a team, as its README says by hand.

The server keeps its history in PostgreSQL and asks who one is; its workers run in a
folder that is no checkout.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State

from mlops_common.bootstrap import Platform
from mlops_common.deployments import find
from mlops_common.errors import BackendError, NotFoundError
from mlops_common.orchestration.deployments import lost_runs, submission
from mlops_common.orchestration.deployments.census import census
from mlops_common.orchestration.deployments.deploying import (
    check,
    client_of,
    ensure_pool,
)
from mlops_common.processes import wait_until
from mlops_common.refs import ModelRef
from mlops_common.testing.by_hand import Page
from mlops_common.testing.command import mlops, python
from mlops_common.testing.prefect import SECRET, Team, Worker, team_server
from uc1_churn.config import ChurnParams
from uc1_churn.result import ChurnResult
from uc1_churn.use_case import USE_CASE

ROOT = Path(__file__).parents[4]
PAGE = Page(Path(__file__).parents[2] / "README.md", ROOT)
UUID_OF_RUN = re.compile(r"UUID: ([0-9a-f-]{36})")
MODEL = "deployed-churn"
SETTINGS = {
    "model_name": MODEL,
    "training": {"trees": 50, "bootstrap_replicates": 100},
    # The newest rows decide little here, and are not what this is about.
    "gate": {"tolerance": 1, "max_calibration_error": 1},
}
SILENCE = timedelta(seconds=35)  # a run gives a sign of life every 30 s
PATIENCE = 300.0  # seconds
TRAINING = "uc1_churn.training_backend.local_run"
DEPLOYMENT = find("uc1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("team")


@pytest.fixture(scope="module")
def team(platform: Platform, first: ChurnResult, folder: Path) -> Iterator[Team]:
    assert first.model.version
    config = folder / "config.yaml"
    config.write_text(json.dumps({"uc1": SETTINGS}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_CONFIG", str(config))
        with team_server(platform, folder) as server:
            yield server


@pytest.fixture(scope="module")
def api(team: Team) -> Iterator[SyncPrefectClient]:
    from prefect.settings import PREFECT_API_AUTH_STRING, temporary_settings

    known = temporary_settings({PREFECT_API_AUTH_STRING: SECRET})
    with known, client_of(team.url) as client:
        yield client


@pytest.fixture(scope="module")
def profile(team: Team, api: SyncPrefectClient, folder: Path) -> dict[str, str]:
    """Deploy by hand, into a profile of one's own, and by nox; return the profile."""
    lost_runs.watch(api, SILENCE)
    profile = {"PREFECT_HOME": str(folder / "one"), "PREFECT_API_AUTH_STRING": SECRET}
    line = PAGE.line("uv run prefect config set PREFECT_API_URL=")
    PAGE.done(f"{line.partition('=')[0]}={team.url}", **profile)
    PAGE.done(PAGE.line("uv run prefect work-pool create"), **profile)
    PAGE.done(PAGE.line("cd packages/uc1-churn"), **profile)
    PAGE.done("uv run nox -s deploy-uc1", **team.variables)
    return profile


class Workers:
    """At most one worker at a time."""

    def __init__(self, team: Team, folder: Path) -> None:
        self.team, self.folder = team, folder
        self.latest: Worker | None = None

    def one(self) -> Worker:
        """Return the worker that runs, or start one."""
        if self.latest is None or not self.latest.running():
            line = PAGE.line("uv run prefect worker start")
            self.latest = Worker(line, self.team, self.folder, PAGE.elsewhere)
        return self.latest


@pytest.fixture(scope="module")
def workers(
    team: Team, profile: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    assert profile
    found = Workers(team, tmp_path_factory.mktemp("elsewhere"))
    yield found
    if found.latest is not None:
        found.latest.stop()


@pytest.fixture(scope="module")
def finished(
    workers: Workers, profile: dict[str, str], api: SyncPrefectClient
) -> FlowRun:
    """A run that was triggered by hand, after its end."""
    workers.one()
    said = PAGE.done(PAGE.line("uv run prefect deployment run"), **profile)
    found = UUID_OF_RUN.search(said)
    assert found is not None, said
    return ended(api, UUID(found[1]))


def ended(api: SyncPrefectClient, identity: UUID) -> FlowRun:
    assert wait_until(lambda: state_of(api, identity).is_final(), PATIENCE, pause=0.5)
    return api.read_flow_run(identity)


def state_of(api: SyncPrefectClient, identity: UUID) -> State[Any]:
    state = api.read_flow_run(identity).state
    assert state is not None
    return state


def submitted(api: SyncPrefectClient, team: Team, seed: int) -> UUID:
    """Ask for a run that trains a model of its own."""
    found = submission.find(api, DEPLOYMENT, team.url)
    training = {**SETTINGS["training"], "seed": seed}  # type: ignore[dict-item]
    values = {"params": {**SETTINGS, "training": training}}
    return api.create_flow_run_from_deployment(found.id, parameters=values).id


def beats(api: SyncPrefectClient, identity: UUID) -> bool:
    """Tell whether a sign of life of a run has arrived."""
    wanted = {
        "event": {"name": ["prefect.flow-run.heartbeat"]},
        "resource": {"id": [f"prefect.flow-run.{identity}"]},
    }
    found = api.request("POST", "/events/filter", json={"filter": wanted})
    return bool(found.json()["events"])


def family(worker: Worker) -> list[psutil.Process]:
    return [*worker.process.children(recursive=True)]


def trains(process: psutil.Process) -> bool:
    try:
        return TRAINING in process.cmdline()
    except psutil.Error:
        return False


def training(worker: Worker) -> list[psutil.Process]:
    """Return what a worker started, once its run trains a model."""
    found: list[psutil.Process] = []

    def begun() -> bool:
        found[:] = family(worker)
        return any(trains(process) for process in found)

    assert wait_until(begun, PATIENCE, pause=0.2), worker.log.read_text("utf-8")
    return found


def all_gone(processes: list[psutil.Process]) -> bool:
    _gone, alive = psutil.wait_procs(processes, timeout=PATIENCE / 5)
    return not alive


def assert_clean(platform: Platform) -> None:
    """Nothing of the interrupted run is left, and the champion serves."""
    home = platform.settings.home
    assert not [*(home / "staging").iterdir()]
    assert serving(platform) == platform.tracking.resolve(MODEL, "champion")


def serving(platform: Platform) -> ModelRef:
    endpoint = platform.serving.endpoint(MODEL)
    with urlopen(f"{endpoint.url}/v1/models/{MODEL}", timeout=60) as answer:  # noqa: S310 - loopback
        assert answer.status == 200
    return endpoint.model


def test_the_run_serves_its_model(finished: FlowRun, platform: Platform) -> None:
    assert finished.state is not None
    assert finished.state.is_completed(), finished.state
    assert {*finished.tags} >= {"uc1", "churn"}
    assert serving(platform) == platform.tracking.resolve(MODEL, "champion")
    assert MODEL in finished.name


def test_the_run_shows_what_it_did(finished: FlowRun, api: SyncPrefectClient) -> None:
    from prefect.client.schemas.filters import (
        ArtifactFilter,
        ArtifactFilterFlowRunId,
        FlowRunFilter,
        FlowRunFilterId,
    )

    mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[finished.id]))
    artifacts = api.read_artifacts(artifact_filter=mine)
    bars = {one.key: one.data for one in artifacts if one.type == "progress"}
    this = FlowRunFilter(id=FlowRunFilterId(any_=[finished.id]))
    tasks = api.read_task_runs(flow_run_filter=this)

    assert {one.type for one in artifacts} >= {"markdown", "table"}
    # Training takes longer than two seconds anywhere; all of its work was counted.
    assert bars["trigger-kubeflow-training-progress"] == 100
    assert 0 < len(tasks) <= census(USE_CASE.load_flow()).tasks


def test_nox_deploys_from_an_environment_that_has_no_other_use_case(
    profile: dict[str, str],
) -> None:
    assert profile
    its_own = ROOT / ".nox" / "deploy-uc1" / "bin" / "python"

    said = PAGE.done(f"{its_own} -m mlops_common.cli run --json")

    assert json.loads(said).keys() == {"uc1"}


def test_the_flow_runs_by_its_module_too(finished: FlowRun, team: Team) -> None:
    assert finished.state
    line = PAGE.line("python -m uc1_churn.flows.churn_pipeline")

    said = PAGE.done(f"uv run {line}", **team.variables)

    assert MODEL in said


def test_the_next_run_is_due_at_six(
    profile: dict[str, str], api: SyncPrefectClient
) -> None:
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    assert profile
    wanted = FlowRunFilter.model_validate({"state": {"type": {"any_": ["SCHEDULED"]}}})

    def due() -> list[datetime]:
        runs = api.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC
        )
        times = [run.expected_start_time for run in runs if run.auto_scheduled]
        return [time for time in times if time is not None]

    assert wait_until(lambda: bool(due()), PATIENCE, pause=0.5)
    following = due()[0].astimezone(UTC)
    assert (following.hour, following.minute) == (6, 0)
    assert timedelta(0) < following - datetime.now(UTC) <= timedelta(days=1)


def test_the_form_of_the_deployment_asks_for_every_param(
    profile: dict[str, str], api: SyncPrefectClient, team: Team
) -> None:
    assert profile
    schema = submission.find(api, DEPLOYMENT, team.url).parameter_openapi_schema
    assert schema is not None

    assert schema["properties"].keys() == {"params", "skip_training"}
    fields = schema["definitions"][ChurnParams.__name__]["properties"]
    assert fields.keys() == ChurnParams.model_fields.keys()


def test_a_cancelled_run_ends_with_its_children(
    finished: FlowRun, team: Team, workers: Workers, platform: Platform
) -> None:
    assert finished.state
    with client_of(team.url) as api:
        identity = submitted(api, team, seed=1)
        children = training(workers.one())
        PAGE.done(f"uv run prefect flow-run cancel {identity}", **team.variables)
        run = ended(api, identity)

    assert run.state_name == "Cancelled"
    assert all_gone(children)
    assert_clean(platform)


def test_a_run_whose_worker_was_killed_crashes_and_leaves_its_slot(
    finished: FlowRun,
    api: SyncPrefectClient,
    team: Team,
    workers: Workers,
    platform: Platform,
) -> None:
    """The run cannot write its log any more, and gives up; the next one is not held."""
    assert finished.state
    identity = submitted(api, team, seed=2)
    children = training(workers.one())
    workers.one().kill()

    run = ended(api, identity)

    assert run.state_name == "Crashed"
    assert all_gone(children)
    assert_clean(platform)
    limit = submission.find(api, DEPLOYMENT, team.url).global_concurrency_limit
    assert limit is not None
    assert limit.active_slots == 0


def test_a_run_that_died_is_marked_crashed_and_its_rerun_finishes(
    finished: FlowRun,
    api: SyncPrefectClient,
    team: Team,
    workers: Workers,
    platform: Platform,
) -> None:
    """As when the machine dies: nobody is left to say so."""
    assert finished.state
    before = platform.tracking.resolve(MODEL, "champion")
    identity = submitted(api, team, seed=3)
    worker = workers.one()
    assert wait_until(lambda: beats(api, identity), PATIENCE, pause=0.5)
    children = family(worker)
    worker.kill()
    for process in children:
        process.kill()
    workers.one()

    # It waits for the slot, runs, and ends as this command does.
    said = mlops(
        *("run", "uc1", "--deployed", "--json", "--set", "training.seed=3"),
        variables=team.variables,
    )

    assert said.code == 0, said.err
    assert json.loads(said.out)["state"] == "Completed"
    dead = api.read_flow_run(identity)
    assert dead.state is not None
    assert dead.state.is_crashed()
    assert "No sign of life" in str(dead.state.message)
    assert_clean(platform)
    assert platform.tracking.resolve(MODEL, "champion").version > before.version


def test_a_run_that_no_worker_takes_is_cancelled(
    profile: dict[str, str], api: SyncPrefectClient, team: Team
) -> None:
    assert profile
    lonely = replace(DEPLOYMENT, name="lonely", pool="nobody")
    flow = submission.find(api, DEPLOYMENT, team.url).flow_id
    ensure_pool(api, "nobody")
    api.create_deployment(
        flow, "lonely", work_pool_name="nobody", entrypoint=lonely.entrypoint
    )
    told: list[str] = []

    for reason in ("'nobody' is online: waited 1 s; the run is", "has no work pool"):
        with pytest.raises(BackendError, match=reason):
            submission.run_deployed(team.url, lonely, {}, told.append, patience=1)
        run = UUID(told[-1].rpartition("/")[2])
        assert state_of(api, run).is_cancelled()
        if reason != "has no work pool":
            api.delete_work_pool("nobody")


@pytest.mark.usefixtures("api", "profile")
def test_what_the_server_does_not_have_is_named(team: Team) -> None:
    absent = replace(DEPLOYMENT, name="absent")

    with pytest.raises(NotFoundError, match="no deployment 'absent'; register it"):
        submission.run_deployed(team.url, absent, {}, print)
    with pytest.raises(NotFoundError, match="prefect work-pool create absent --type"):
        check("absent")


def test_a_wrong_key_is_told_in_one_message(team: Team) -> None:
    login = {**team.variables, "PREFECT_API_AUTH_STRING": "team:guessed"}
    key = {"PREFECT_API_URL": team.url, "PREFECT_API_KEY": "guessed"}

    said = mlops("run", "uc1", "--deployed", variables=login)
    checked = python(
        "-m", "mlops_common.orchestration.deployments.deploying", variables=key
    )

    assert said.code == 2
    assert checked.code == 1
    for text in (said.out + said.err, checked.out + checked.err):
        assert "does not admit us; set PREFECT_API_KEY" in text
        assert "guessed" not in text
        assert "Traceback" not in text


def test_a_process_that_serves_needs_no_worker(
    profile: dict[str, str], api: SyncPrefectClient, team: Team, workers: Workers
) -> None:
    """Its run fails at once, by which the command ends as a run here would."""
    if workers.latest is not None:
        workers.latest.stop()
    line = PAGE.line("uv run python -m uc1_churn.flows.churn_pipeline --serve")
    before = submission.find(api, DEPLOYMENT, team.url)
    with subprocess.Popen(
        ["bash", "-ec", line],  # noqa: S607 - whatever bash there is
        env={**os.environ, **PAGE.elsewhere, **team.variables},
        cwd=workers.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert wait_until(
                lambda: submission.find(api, DEPLOYMENT, team.url).pull_steps is None,
                PATIENCE,
                pause=0.5,
            )
            said = mlops(
                *("run", "uc1", "--deployed", "--set", "dataset.table=absent"),
                variables=team.variables,
            )
        finally:
            process.terminate()

    served = submission.find(api, DEPLOYMENT, team.url)
    assert said.code == 2, said.err
    assert "absent" in said.err
    assert served.paused
    assert served.tags == before.tags
    assert [one.schedule for one in served.schedules] == [
        one.schedule for one in before.schedules
    ]

    # Given back to the workers, it is on again.
    PAGE.done(PAGE.line("cd packages/uc1-churn"), **profile)
    assert not submission.find(api, DEPLOYMENT, team.url).paused
