"""What `mlops doctor` tells of systems that run, refuse us, or are away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ConfigError
from mlops_common.health import Health
from mlops_common.objects.s3 import S3ObjectStore
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.orchestration import health
from mlops_common.ports import free_port
from mlops_common.postgres import health as postgres_health
from mlops_common.processes import LOOPBACK
from mlops_common.sections import MlflowSettings
from mlops_common.settings import Settings
from mlops_common.testing.canned import Told, canned
from mlops_common.testing.command import Said, mlops
from mlops_common.testing.mlflow import TrackingServer, tracking_server
from mlops_common.testing.moto import MotoServer
from mlops_common.tracking import health as tracking_health


def doctor(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch, deadline: float = 60
) -> Said:
    """Run the command over a file with settings."""
    for name in ("PREFECT_API_URL", "MLOPS_CONFIG", "MLOPS_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    file = folder / "config.yaml"
    file.write_text(text, "utf-8")
    words = ("--config", str(file), "doctor", "--deadline", str(deadline), "--json")
    return mlops(*words)


def test_parts_of_this_machine_are_embedded_and_none_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = doctor(tmp_path, "", monkeypatch)

    found = json.loads(said.out)
    states = {one["system"]: one["health"]["state"] for one in found}
    assert said.code == 0, found
    assert set(states.values()) == {"embedded"}
    common = {"PostgreSQL", "Object store", "MLflow", "Prefect", "KServe", "Lineage"}
    assert common <= set(states)
    assert not (tmp_path / ".mlops" / "postgres").exists()


def test_a_configured_system_that_is_away_exits_with_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"postgres: {{host: {LOOPBACK}, port: {free_port()}, password: hunter2}}"

    said = doctor(tmp_path, text, monkeypatch)

    (down,) = [one for one in json.loads(said.out) if one["system"] == "PostgreSQL"]
    assert said.code == BackendError.exit_code
    assert down["health"]["state"] == "down"
    assert "cannot be reached" in down["health"]["remedies"][0]
    assert "hunter2" not in said.out + said.err


def test_what_does_not_answer_in_time_is_down_and_the_command_ends_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = doctor(tmp_path, "", monkeypatch, deadline=0.1)

    states = {one["system"]: one["health"]["state"] for one in json.loads(said.out)}
    # Its import alone takes longer.
    assert states["Prefect"] == "down"
    assert said.code == BackendError.exit_code
    assert "FATAL" not in said.err


def test_a_bucket_tells_what_it_guarantees_and_keeps_nothing_of_the_examination(
    moto: MotoServer,
) -> None:
    settings = moto.bucket()
    bucket = Bucket(settings)

    health = S3ObjectStore(settings).health()
    bucket.once("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    better = S3ObjectStore(settings).health()

    assert health.state == "degraded"
    assert "keeps no versions" in health.remedies[0]
    assert better.state == "ok"
    assert better.facts == ("versioning enabled", "conditional writes")
    assert list(S3ObjectStore(settings).keys()) == []


def test_a_bucket_that_does_not_exist_is_named(
    moto: MotoServer,
) -> None:
    settings = moto.bucket().model_copy(update={"bucket": "nowhere"})

    with pytest.raises(ConfigError, match="has no bucket 'nowhere'"):
        S3ObjectStore(settings).health()


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.mark.cluster
def test_an_mlflow_server_tells_its_version_and_store(
    mlflow: TrackingServer,
) -> None:
    settings = MlflowSettings(
        tracking_uri=mlflow.url, username=mlflow.username, password=mlflow.password
    )

    health = tracking_health.examine(settings, "")

    assert (health.state, health.facts) == ("ok", ("SQL store",))
    assert health.version.startswith("3.")


@pytest.mark.cluster
def test_an_mlflow_server_that_does_not_admit_us_names_the_settings(
    mlflow: TrackingServer,
) -> None:
    with pytest.raises(ConfigError, match=r"mlflow\.password_file"):
        tracking_health.examine(MlflowSettings(tracking_uri=mlflow.url), "")


def test_a_server_that_is_not_mlflow_is_told_so() -> None:
    with (
        canned({}) as url,
        pytest.raises(BackendError, match="answers 404 to a search of experiments"),
    ):
        tracking_health.examine(MlflowSettings(tracking_uri=url), "")


def test_an_mlflow_server_that_keeps_runs_in_files_is_degraded() -> None:
    """As MLflow's own server answers with a file store behind it."""
    answers: dict[str, Told] = {
        tracking_health.EXPERIMENTS: (200, {}),
        tracking_health.SQL_ONLY: (400, {"error_code": "FEATURE_DISABLED"}),
    }

    with canned(answers) as url:
        health = tracking_health.examine(MlflowSettings(tracking_uri=url), "")

    assert (health.state, health.facts) == ("degraded", ("file store",))
    assert "--backend-store-uri postgresql" in health.remedies[0]


def test_a_token_admits_us_to_mlflow() -> None:
    answers: dict[str, Told] = {
        tracking_health.EXPERIMENTS: (200, {}),
        tracking_health.SQL_ONLY: (200, {}),
    }
    with canned(answers, authorization="Bearer hunter2") as url:
        login = {"tracking_uri": url, "token": "hunter2"}
        health = tracking_health.examine(MlflowSettings.model_validate(login), "")

    assert health.state == "ok"


def examined_prefect(answers: dict[str, Told], home: Path) -> Health:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with canned(answers) as url, temporary_settings({PREFECT_API_URL: url}):
        return health.examine(home)


def test_a_prefect_api_without_the_work_pool_is_degraded(tmp_path: Path) -> None:
    health = examined_prefect({}, tmp_path)

    assert health.state == "degraded"
    assert "prefect work-pool create" in health.remedies[0]


@pytest.mark.parametrize(
    ("server", "state"), [("3.7.9", "degraded"), ("3.8.0", "ok"), ("4.0.0", "ok")]
)
def test_a_prefect_server_before_3_8_is_degraded(
    tmp_path: Path, server: str, state: str
) -> None:
    answers: dict[str, Told] = {
        "/work_pools/local-pool": (200, {}),
        "/admin/version": (200, server),
    }

    health = examined_prefect(answers, tmp_path)

    assert (health.state, health.version) == (state, server)
    assert ("is older than 3.8" in str(health.remedies)) == (state == "degraded")


def test_an_installed_prefect_before_3_8_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "version", lambda _: "3.7.9")

    with pytest.raises(ConfigError, match=r"3\.7\.9 is too old; install 3\.8"):
        health.examine(tmp_path)


def test_an_embedded_postgresql_is_not_started_to_be_examined(tmp_path: Path) -> None:
    health = postgres_health.examine(Platform(Settings(home=tmp_path)).postgres)

    assert health.state == "embedded"
    assert "starts when it is needed" in health.facts
