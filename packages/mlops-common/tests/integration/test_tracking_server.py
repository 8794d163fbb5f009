"""The tracking store behind MLflow's own server, which asks for a login."""

import os
from collections.abc import Iterator

import pytest

from mlops_common.errors import BackendError, ConfigError
from mlops_common.sections import MlflowSettings, PostgresSettings
from mlops_common.serving.artifact import folder_digest
from mlops_common.testing.canned import Told, canned
from mlops_common.testing.marks import MLFLOW
from mlops_common.testing.mlflow import TrackingServer, tracking_server
from mlops_common.testing.models import a_model
from mlops_common.tracking import Tracking, variables

pytestmark = [pytest.mark.cluster, *MLFLOW]

NO_SUCH_ALIAS = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no alias"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no login of one test reach the next."""
    for name in [*os.environ]:
        if name.startswith("MLFLOW_TRACKING_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        # Set and deleted, so that what the client sets is undone in the end.
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}")


def connect(url: str, **login: str | None) -> Tracking:
    settings = MlflowSettings.model_validate({"tracking_uri": url, **login})
    return Tracking(url, None, variables(settings, PostgresSettings()))


def test_a_model_goes_through_a_server_and_comes_back_whole(
    server: TrackingServer,
) -> None:
    password = server.password.get_secret_value()
    tracking = connect(server.url, username=server.username, password=password)

    with tracking.run("tests", name="a test", key="k", tags={}) as run:
        run.log({"trees": 3}, {"roc_auc": 0.8})
        run.log_files({"evaluation.json": b"{}"})
        model = run.register("churn", a_model(), {"dataset": "c@v3"})
    tracking.set_alias(model, "champion")

    assert tracking.resolve("churn", "champion") == model
    assert tracking.read_json(run.id, "evaluation.json") == {}
    assert folder_digest(tracking.download(model)) == model.digest


@pytest.mark.parametrize("password", ["wrong-hunter2", None])
def test_a_login_that_is_not_accepted_names_the_settings(
    server: TrackingServer, password: str | None
) -> None:
    username = server.username if password else None
    tracking = connect(server.url, username=username, password=password)

    with pytest.raises(ConfigError, match=r"mlflow\.password_file") as caught:
        tracking.champion("churn", "champion")

    assert "hunter2" not in str(caught.value)
    assert server.url in str(caught.value)


@pytest.fixture
def guarded() -> Iterator[str]:
    """A server that admits those with a token alone, and knows no model."""
    answers: dict[str, Told] = {
        "/api/2.0/mlflow/experiments/search": (200, {}),
        "/api/2.0/mlflow/registered-models/search": (200, {}),
        "/api/2.0/mlflow/registered-models/alias": (404, NO_SUCH_ALIAS),
    }
    with canned(answers, authorization="Bearer hunter2") as url:
        yield url


def test_a_token_admits_us(guarded: str) -> None:
    assert connect(guarded, token="hunter2").champion("churn", "champion") is None  # noqa: S106 - made up


@pytest.mark.parametrize("token", ["expired-9f3b", None])
def test_a_token_that_is_not_accepted_names_the_settings(
    guarded: str, token: str | None
) -> None:
    with pytest.raises(ConfigError, match=r"mlflow\.token_file") as caught:
        connect(guarded, token=token).champion("churn", "champion")

    assert "9f3b" not in str(caught.value)


def test_a_server_that_is_away_is_an_error_that_may_pass() -> None:
    tracking = Tracking("http://127.0.0.1:9", None)

    with pytest.raises(BackendError, match=r"mlflow.tracking_uri is right"):
        tracking.champion("churn", "champion")
