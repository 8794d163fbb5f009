"""Settings alone decide which adapter serves a part, one part at a time."""

from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.config import load
from mlops_common.errors import ConfigError
from mlops_common.postgres.database import Postgres
from mlops_common.settings import Settings
from mlops_common.testing.design import DESIGN
from uc1_churn.bootstrap import feature_store, training_backend

EMBEDDED = {
    "objects": "LocalObjectStore",
    "postgres": "embedded",
    "features": "embedded",
    "training": "LocalTraining",
    "serving": "LocalServing",
}


def adapters(platform: Platform) -> dict[str, str]:
    """Return what stands for each part; none is contacted."""
    return {
        "objects": type(platform.objects).__name__,
        "postgres": place(platform.postgres),
        "features": place(feature_store(platform).postgres),
        "training": type(training_backend(platform)).__name__,
        "serving": type(platform.serving).__name__,
    }


def place(postgres: Postgres) -> str:
    return "embedded" if postgres.server else postgres.address


def test_without_a_file_every_part_is_embedded(tmp_path: Path) -> None:
    assert adapters(Platform(Settings(home=tmp_path))) == EMBEDDED


@pytest.mark.parametrize(
    ("section", "values", "changed"),
    [
        ("minio", {"endpoint": "http://s3.example"}, {"objects": "S3ObjectStore"}),
        (
            "postgres",
            {"host": "db.example"},
            {"postgres": "db.example:5432", "features": "db.example:5432"},
        ),
        (
            "feast",
            {"postgres": {"host": "features.example"}},
            {"features": "features.example:5432"},
        ),
        ("kserve", {"in_cluster": True}, {"serving": "KserveServing"}),
        ("mlflow", {"tracking_uri": "http://mlflow.example"}, {}),
    ],
    ids=["minio", "postgres", "feast", "kserve", "mlflow"],
)
def test_a_section_with_a_server_changes_its_part_and_no_other(
    tmp_path: Path, section: str, values: dict[str, Any], changed: dict[str, str]
) -> None:
    settings = Settings.model_validate({"home": tmp_path, section: values})

    assert adapters(Platform(settings)) == EMBEDDED | changed


def test_a_block_of_the_environment_points_its_parts_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    block = "environments: {k3s: {minio: {endpoint: http://s3.example}}}\n"
    file.write_text(block, "utf-8")

    here = Platform(load(file, {}).settings)
    there = Platform(load(file, {"MLOPS_ENVIRONMENT": "k3s"}).settings)

    assert adapters(here) == EMBEDDED
    assert adapters(there) == EMBEDDED | {"objects": "S3ObjectStore"}


def test_the_file_of_the_design_points_every_part_at_its_server(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(DESIGN, "utf-8")

    platform = Platform(load(file, {}).settings)

    server = "postgresql.postgresql.svc.cluster.local:5432"
    assert adapters(platform) == {
        "objects": "S3ObjectStore",
        "postgres": server,
        "features": server,
        "training": "KubeflowTraining",
        "serving": "LocalServing",
    }
    assert platform.objects.uri("raw") == "s3://dvc-storage/raw"
    assert "http://mlflow.mlflow.svc.cluster.local:5000" in repr(platform.tracking)
    assert feature_store(platform).folder == tmp_path / "feature_repo"


def test_pods_without_a_secret_are_told_before_any_run(tmp_path: Path) -> None:
    host = "host: http://localhost:8080"
    file = tmp_path / "config.yaml"
    file.write_text(DESIGN.replace(host, f"{host}, environment_secret: null"), "utf-8")

    with pytest.raises(
        ConfigError, match=r"set kubeflow\.environment_secret"
    ) as caught:
        training_backend(Platform(load(file, {}).settings))

    assert "postgres123" not in str(caught.value)
