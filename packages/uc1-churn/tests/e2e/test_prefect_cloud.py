"""UC1 at Prefect Cloud, and a platform whose Prefect and MLflow are elsewhere.

No account of Prefect Cloud is here: a double stands for it, before a real server.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlops_common import web
from mlops_common.bootstrap import Platform, connect
from mlops_common.deployments import find, installed
from mlops_common.home import reset
from mlops_common.orchestration.deployments import worker
from mlops_common.orchestration.server.api import Api
from mlops_common.orchestration.server.process import server_process
from mlops_common.sections import MlflowSettings
from mlops_common.settings import Settings
from mlops_common.simulation import write_company
from mlops_common.testing.by_hand import Page
from mlops_common.testing.command import mlops, python
from mlops_common.testing.mlflow import open_tracking_server
from mlops_common.testing.prefect import team_server
from mlops_common.testing.prefect_cloud_double import Cloud, prefect_cloud_double

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[4]
PAGE = Page(Path(__file__).parents[2] / "README.md", ROOT)
LOGIN = PAGE.line("uv run prefect cloud login")
DEPLOYMENT = find("uc1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(platform: Platform, folder: Path) -> Iterator[Cloud]:
    with (
        team_server(platform, folder, "cloud") as team,
        prefect_cloud_double(team) as c,
    ):
        yield c


def typed(
    cloud: Cloud, folder: Path, *, key: str, name: str = "churn"
) -> dict[str, str]:
    """Return the variables of one who logs in with a profile of his own."""
    account, _, workspace = cloud.handle.partition("/")
    return {
        "PREFECT_HOME": str(folder / f"profile-{name}"),
        "PREFECT_CLOUD_API_URL": cloud.api,
        "PREFECT_API_KEY": key,
        "ACCOUNT": account,
        "WORKSPACE": workspace if name == "churn" else name,
    }


@pytest.fixture(scope="module")
def profile(cloud: Cloud, folder: Path) -> dict[str, str]:
    """Log in as the README says; return what is needed afterwards: no key."""
    variables = typed(cloud, folder, key=cloud.key)
    said = PAGE.done(LOGIN, **variables)
    assert f"Using workspace '{cloud.handle}'" in said
    kept = ("PREFECT_HOME", "PREFECT_CLOUD_API_URL")
    return {name: variables[name] for name in kept}


@pytest.fixture(scope="module")
def deployed(profile: dict[str, str]) -> None:
    """Deploy by the lines that follow the login."""
    PAGE.done(PAGE.line("uv run prefect work-pool create"), **profile)
    PAGE.done(PAGE.line("cd packages/uc1-churn"), **profile)


def asked(cloud: Cloud, path: str, data: dict[str, Any] | None = None) -> Any:
    known = {"Authorization": f"Bearer {cloud.key}", "Content-Type": "application/json"}
    body = None if data is None else json.dumps(data).encode()
    answer = web.request(f"{cloud.url}/{path}", headers=known, data=body)
    assert answer.status == web.OK, answer.body
    return answer.json()


def test_a_wrong_key_is_refused(cloud: Cloud, folder: Path) -> None:
    said = PAGE.type(LOGIN, **typed(cloud, folder, key="pnu_guessed", name="wrong"))

    assert said.code == 1
    assert "Unable to authenticate with Prefect Cloud" in said.out + said.err
    assert "pnu_guessed" not in said.out + said.err


def test_the_workspace_may_be_left_out_at_a_terminal_where_there_is_one(
    cloud: Cloud, folder: Path
) -> None:
    variables = typed(cloud, folder, key=cloud.key, name="short")
    line = LOGIN.partition(" --workspace")[0]

    said = PAGE.done(line, **variables, PREFECT_CLI_PROMPT="true")

    assert f"Using workspace '{cloud.handle}'" in said


def test_a_workspace_that_is_not_there_names_those_that_are(
    cloud: Cloud, folder: Path
) -> None:
    said = PAGE.type(LOGIN, **typed(cloud, folder, key=cloud.key, name="absent"))

    assert said.code == 1
    assert "'acme/absent' not found" in said.out + said.err
    assert cloud.handle in said.out + said.err


@pytest.mark.usefixtures("deployed")
def test_the_deployment_arrives_with_its_schedule_and_its_form(cloud: Cloud) -> None:
    title = "UC1%3A%20Churn%20Prediction%20Pipeline"

    found = asked(cloud, f"deployments/name/{title}/{DEPLOYMENT.name}")

    (schedule,) = found["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == DEPLOYMENT.schedules[0].cron
    assert schedule["schedule"]["timezone"] == DEPLOYMENT.schedules[0].timezone
    form = found["parameter_openapi_schema"]
    assert form["properties"].keys() == {"params", "skip_training"}
    assert found["enforce_parameter_schema"]
    assert found["pull_steps"] == []
    assert found["tags"] == ["uc1", "churn"]
    assert found["work_pool_name"] == DEPLOYMENT.pool


@pytest.mark.usefixtures("deployed")
def test_a_key_in_a_variable_needs_no_login(cloud: Cloud, folder: Path) -> None:
    variables = {**cloud.variables, "PREFECT_HOME": str(folder / "no-profile")}

    PAGE.done(PAGE.line("cd packages/uc1-churn"), **variables)
    checked = python(
        "-m", "mlops_common.orchestration.deployments.deploying", variables=variables
    )

    assert checked.code == 0, checked.out + checked.err


@pytest.mark.usefixtures("deployed")
def test_a_run_that_no_worker_takes_is_given_up_after_half_a_minute(
    cloud: Cloud, profile: dict[str, str]
) -> None:
    said = mlops("run", "uc1", "--deployed", "--json", variables=profile)

    assert said.code == 5, said.err
    told = json.loads(said.out)["message"]
    assert "no worker of the work pool 'local-pool' is online: waited 30 s" in told
    assert "`prefect worker start --pool local-pool`" in told
    asked_for = {"flow_runs": {"state": {"type": {"any_": ["CANCELLED"]}}}}
    (run,) = asked(cloud, "flow_runs/filter", asked_for)
    assert run["state"]["message"] == "No worker was online to take it."


@pytest.mark.usefixtures("deployed")
def test_doctor_finds_it_by_the_profile(profile: dict[str, str], cloud: Cloud) -> None:
    found = diagnosed(profile)

    assert (found["state"], found["where"]) == ("ok", cloud.url)


def test_doctor_tells_a_wrong_key(cloud: Cloud, folder: Path) -> None:
    guessed = {**cloud.variables, "PREFECT_API_KEY": "pnu_guessed"}

    found = diagnosed({**guessed, "PREFECT_HOME": str(folder / "no-profile")})

    assert found["state"] == "down"
    assert "does not admit us; set PREFECT_API_KEY" in str(found["remedies"])
    assert "pnu_guessed" not in str(found)


def diagnosed(variables: dict[str, str]) -> dict[str, Any]:
    """Return what `mlops doctor` tells of Prefect."""
    told = json.loads(
        mlops("doctor", "--deadline", "120", "--json", variables=variables).out
    )
    (found,) = (one["health"] for one in told if one["system"] == "Prefect")
    return dict(found)


@dataclass(frozen=True)
class Elsewhere:
    """A home whose Prefect is at Cloud and whose MLflow is a server of its own."""

    platform: Platform
    mlflow: str
    variables: dict[str, str]

    def told(self, *words: str) -> Any:
        """Return what a command told, after it went well."""
        said = mlops(*words, "--json", variables=self.variables)
        assert said.code == 0, said.err + said.out
        return json.loads(said.out)

    def worker_is_online(self) -> bool:
        known = {"Authorization": f"Bearer {self.variables['PREFECT_API_KEY']}"}
        name = worker.name_of(self.platform.settings.home)
        return worker.is_online(Api(self.variables["PREFECT_API_URL"], known), name)


@pytest.fixture(scope="module")
def elsewhere(cloud: Cloud, folder: Path) -> Iterator[Elsewhere]:
    home, place = folder / "home", folder / "mlflow"
    place.mkdir()
    with open_tracking_server(place) as url:
        mlflow = MlflowSettings(tracking_uri=url)
        platform = connect(Settings(home=home, mlflow=mlflow))
        platform.postgres.ensure_database("customers")
        end = datetime.now(UTC).date().replace(day=1)
        write_company(platform.postgres, seed=5, customers=1_000, months=4, end=end)
        variables = {
            **cloud.variables,
            "PREFECT_HOME": str(folder / "no-profile"),
            "MLOPS_HOME": str(home),
            "MLOPS_MLFLOW__TRACKING_URI": url,
        }
        yield Elsewhere(platform, url, variables)
        reset(platform)


@pytest.fixture(scope="module")
def up(elsewhere: Elsewhere) -> dict[str, Any]:
    """Raise the platform; return what was told."""
    return dict(elsewhere.told("up"))


def test_what_is_elsewhere_is_not_started_here(
    up: dict[str, Any], elsewhere: Elsewhere, cloud: Cloud
) -> None:
    parts = {row["name"]: row for row in up["parts"]}

    assert [*up["started"]] == ["worker"]
    away = {n: row["url"] for n, row in parts.items() if row["state"] == "external"}
    assert away == {"prefect-server": cloud.url, "mlflow": elsewhere.mlflow}
    assert parts["worker"]["health"] == parts["postgres"]["health"] == "ok"
    assert len(up["deployments"]) == len(installed())
    assert not server_process(elsewhere.platform.settings.home).running()
    assert elsewhere.worker_is_online()


def test_its_worker_runs_what_is_submitted_to_cloud(
    up: dict[str, Any], elsewhere: Elsewhere, cloud: Cloud
) -> None:
    assert up
    training = ("training.trees=50", "training.bootstrap_replicates=100")
    loose = ("gate.tolerance=1", "gate.max_calibration_error=1", "gate.min_roc_auc=0.1")
    options = [w for pair in (*training, *loose) for w in ("--set", pair)]

    told = elsewhere.told("run", "uc1", "--deployed", *options)

    assert told["state"] == "Completed"
    place = f"/account/{cloud.account}/workspace/{cloud.workspace}/"
    assert told["page"].startswith(f"{cloud.api.removesuffix('/api')}{place}")
    mine = {"flow_runs": {"id": {"any_": [told["id"]]}}}
    steps = asked(cloud, "task_runs/filter", mine)
    assert {step["state_type"] for step in steps} == {"COMPLETED"}
    assert {"trigger_kubeflow_training", "report_deployment"} <= {
        step["name"].rpartition("-")[0] for step in steps
    }
    model = elsewhere.platform.tracking.resolve("churn-predictor", "champion")
    assert elsewhere.platform.serving.endpoint("churn-predictor").model == model


def test_down_ends_what_is_here_and_leaves_what_is_elsewhere(
    up: dict[str, Any], elsewhere: Elsewhere, cloud: Cloud
) -> None:
    assert up
    told = elsewhere.told("down")

    assert {"keeper", "worker", "PostgreSQL"} <= {*told["stopped"]}
    assert "Prefect server" not in told["stopped"]
    assert asked(cloud, "work_pools/local-pool")["name"] == "local-pool"
    assert web.healthy(f"{elsewhere.mlflow}/health")
