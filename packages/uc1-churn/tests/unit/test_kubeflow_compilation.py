import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from mlops_common.errors import ConfigError
from mlops_common.sections import (
    KubeflowSettings,
    MinioSettings,
    MlflowSettings,
    PostgresSettings,
)
from mlops_common.settings import Settings
from uc1_churn.training_backend.compilation import compiled
from uc1_churn.training_backend.kubeflow import shared_parts
from uc1_churn.training_backend.kubeflow.training import COMPONENTS

KUBEFLOW = KubeflowSettings(
    host="http://kfp:8888",
    image="registry.example/uc1-churn:1",
    cpu="500m",
    memory="3Gi",
    environment_secret="churn-environment",  # noqa: S106 - the name of a Secret
)
SETTINGS = Settings(
    home=Path("/here"),
    postgres=PostgresSettings(
        host="db", sslmode="require", password=SecretStr("s3cret-1")
    ),
    minio=MinioSettings(
        endpoint="http://minio:9000",
        bucket="dvc-storage",
        access_key=SecretStr("s3cret-2"),
        secret_key_file=Path("/run/secrets/key"),
    ),
    mlflow=MlflowSettings(tracking_uri="http://mlflow:5000", username="ann"),
    kubeflow=KUBEFLOW,
)


def with_kubeflow(**changes: Any) -> Settings:
    kubeflow = KUBEFLOW.model_copy(update=changes)
    return SETTINGS.model_copy(update={"kubeflow": kubeflow})


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return compiled(SETTINGS)


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    executors = document["pipeline_spec"]["deploymentSpec"]["executors"]
    return [executor["container"] for executor in executors.values()]


def pods(document: dict[str, Any]) -> list[dict[str, Any]]:
    kubernetes = document["platform_spec"]["platforms"]["kubernetes"]
    return list(kubernetes["deploymentSpec"]["executors"].values())


def test_every_step_has_the_image_and_the_resources(document: dict[str, Any]) -> None:
    found = containers(document)

    assert {one["image"] for one in found} == {"registry.example/uc1-churn:1"}
    for resources in (one["resources"] for one in found):
        assert resources["resourceCpuRequest"] == "500m"
        assert resources["resourceMemoryRequest"] == "3Gi"
        assert resources["resourceMemoryLimit"] == "3Gi"


def test_the_components_are_those_that_run_here(document: dict[str, Any]) -> None:
    from uc1_churn.training_backend.pipeline import training_pipeline

    plain = training_pipeline().pipeline_spec

    assert document["pipeline_spec"]["components"].keys() == plain.components.keys()
    assert tuple(document["pipeline_spec"]["root"]["dag"]["tasks"]) == COMPONENTS
    sources = [container["command"] for container in containers(document)]
    for name, source in zip(COMPONENTS, sources, strict=True):
        executor = plain.deployment_spec["executors"][f"exec-{name}"]
        assert list(executor["container"]["command"]) == source


def test_no_step_is_cached_and_each_is_tried_again(document: dict[str, Any]) -> None:
    for task in document["pipeline_spec"]["root"]["dag"]["tasks"].values():
        assert not task["cachingOptions"].get("enableCache")
        assert task["retryPolicy"]["maxRetryCount"] == 1


def test_settings_become_plain_variables(document: dict[str, Any]) -> None:
    (first, second) = (
        {entry["name"]: entry["value"] for entry in container["env"]}
        for container in containers(document)
    )

    assert first == second
    assert first == {
        "MLOPS_HOME": "/tmp/mlops",  # noqa: S108 - of a pod
        "MLOPS_POSTGRES__HOST": "db",
        "MLOPS_POSTGRES__SSLMODE": "require",
        "MLOPS_MINIO__ENDPOINT": "http://minio:9000",
        "MLOPS_MINIO__BUCKET": "dvc-storage",
        "MLOPS_MLFLOW__TRACKING_URI": "http://mlflow:5000",
        "MLOPS_MLFLOW__USERNAME": "ann",
    }


def test_secrets_come_from_a_kubernetes_secret(document: dict[str, Any]) -> None:
    for pod in pods(document):
        ours, others = pod["secretAsEnv"]
        names = {pair["envVar"]: pair["secretKey"] for pair in ours["keyToEnv"]}

        assert {ours["secretName"], others["secretName"]} == {"churn-environment"}
        assert not ours["optional"]
        assert others["optional"]
        assert names == {
            name: name
            for name in (
                "MLOPS_POSTGRES__PASSWORD",
                "MLOPS_MINIO__ACCESS_KEY",
                "MLOPS_MINIO__SECRET_KEY",
            )
        }


def test_the_secret_has_the_name_that_the_deployment_gives_it() -> None:
    default = KubeflowSettings(host="http://kfp:8888")
    settings = SETTINGS.model_copy(update={"kubeflow": default})

    shared_parts.require(settings)

    for pod in pods(compiled(settings)):
        names = {entry["secretName"] for entry in pod["secretAsEnv"]}
        assert names == {"mlops-environment"}


def test_without_secrets_of_ours_a_step_starts_without_the_secret() -> None:
    settings = SETTINGS.model_copy(
        update={
            "postgres": PostgresSettings(host="db"),
            "minio": MinioSettings(endpoint="http://minio:9000"),
        }
    )

    for pod in pods(compiled(settings)):
        assert all(entry["optional"] for entry in pod["secretAsEnv"])


def test_nothing_secret_is_compiled(document: dict[str, Any]) -> None:
    assert "s3cret" not in yaml.safe_dump(document)
    assert document["pipeline_spec"]["root"]["inputDefinitions"][
        "parameters"
    ].keys() == {"request"}


def test_a_config_map_replaces_the_plain_variables() -> None:
    document = compiled(with_kubeflow(config_map="churn-config"))

    for container, pod in zip(containers(document), pods(document), strict=True):
        names = {entry["name"]: entry["value"] for entry in container["env"]}
        assert names.keys() == {"MLOPS_HOME", "MLOPS_CONFIG"}
        (volume,) = pod["configMapAsVolume"]
        assert volume["configMapName"] == "churn-config"
        assert names["MLOPS_CONFIG"] == f"{volume['mountPath']}/config.yaml"


def test_the_pipeline_compiles_to_a_file_with_the_settings_of_the_process(
    tmp_path: Path,
) -> None:
    target = tmp_path / "pipeline.yaml"
    variables = {
        "MLOPS_HOME": str(tmp_path),
        "MLOPS_KUBEFLOW__IMAGE": "registry.example/uc1-churn:2",
        "MLOPS_POSTGRES__PASSWORD": "s3cret",
        "PATH": "/usr/bin:/bin",
    }
    module = "uc1_churn.training_backend.compilation"

    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, str(target)],
        env=variables,
        cwd=tmp_path,
        check=True,
    )

    text = target.read_text("utf-8")
    spec, _platform = yaml.safe_load_all(text)
    images = {c["image"] for c in containers({"pipeline_spec": spec})}
    assert images == {"registry.example/uc1-churn:2"}
    assert "pip install" not in text
    assert "s3cret" not in text


def test_parts_that_every_pod_reaches_are_let_through() -> None:
    shared_parts.require(SETTINGS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"minio": MinioSettings()}, "object store in /here: set minio.endpoint"),
        (
            {"mlflow": MlflowSettings(), "postgres": PostgresSettings()},
            "embedded PostgreSQL: set mlflow.tracking_uri",
        ),
        (
            {"mlflow": MlflowSettings(tracking_uri="sqlite:////here/mlflow.db")},
            "MLflow in a file",
        ),
        (
            {"mlflow": MlflowSettings(tracking_uri="http://ann:s3cret@mlflow:5000")},
            "password in mlflow.tracking_uri",
        ),
        (
            {"postgres": PostgresSettings(host="db", sslrootcert=Path("/ca.pem"))},
            "postgres.sslrootcert: set kubeflow.config_map",
        ),
        (
            {"kubeflow": KUBEFLOW.model_copy(update={"environment_secret": None})},
            "set kubeflow.environment_secret .* MLOPS_POSTGRES__PASSWORD, "
            "MLOPS_MINIO__ACCESS_KEY, MLOPS_MINIO__SECRET_KEY",
        ),
    ],
    ids=["objects", "postgres", "mlflow", "login in a URI", "certificate", "secrets"],
)
def test_a_part_that_no_pod_reaches_is_told_with_the_remedy(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        shared_parts.require(SETTINGS.model_copy(update=changes))

    assert "s3cret" not in str(caught.value)
