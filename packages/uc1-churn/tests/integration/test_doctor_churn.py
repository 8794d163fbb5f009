"""What `mlops doctor` tells of the systems that this use case alone uses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ConfigError
from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK
from mlops_common.settings import Settings
from uc1_churn import health
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_run import DoubleRun

TOKEN = "token-of-the-double"  # noqa: S105 - of a double
SHARED = {
    "minio": {"endpoint": "http://minio.example", "bucket": "b"},
    "mlflow": {"tracking_uri": "http://mlflow.example"},
}


def idle(_: DoubleRun) -> None:
    """Do nothing in a run."""


@pytest.fixture
def double() -> Iterator[KubeflowDouble]:
    with KubeflowDouble(idle, token=TOKEN, multi_user=True) as server:
        yield server


def platform(home: Path, **sections: Any) -> Platform:
    return Platform(Settings.model_validate({"home": home, **sections}))


def test_a_kubeflow_server_that_admits_us_is_ok(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    section = {"host": double.url, "token": TOKEN, "namespace": "ann"}

    found = health.kubeflow(platform(tmp_path, **SHARED, kubeflow=section))

    assert (found.state, found.where) == ("ok", double.url)
    assert "namespace ann" in found.facts


def test_a_kubeflow_token_that_is_not_accepted_is_told(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    section = {"host": double.url, "token": "another", "namespace": "ann"}

    with pytest.raises(ConfigError, match=r"kubeflow\.token"):
        health.kubeflow(platform(tmp_path, **SHARED, kubeflow=section))


def test_a_kubeflow_server_that_is_away_is_told_within_seconds(tmp_path: Path) -> None:
    section = {"host": f"http://{LOOPBACK}:{free_port()}"}

    with pytest.raises(BackendError, match=r"kubeflow\.host|127\.0\.0\.1"):
        health.kubeflow(platform(tmp_path, **SHARED, kubeflow=section))


def test_pods_that_reach_no_object_store_are_told_before_any_run(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    section = {"host": double.url, "token": TOKEN}

    with pytest.raises(ConfigError, match="cannot reach the object store"):
        health.kubeflow(platform(tmp_path, kubeflow=section))


def test_without_servers_both_are_embedded_and_nothing_is_started(
    tmp_path: Path,
) -> None:
    embedded = platform(tmp_path)

    assert health.kubeflow(embedded).state == "embedded"
    assert health.feast(embedded).state == "embedded"
    assert list(tmp_path.iterdir()) == []


def test_a_redis_that_is_away_is_told(tmp_path: Path) -> None:
    redis = {"host": LOOPBACK, "port": free_port(), "password": "hunter2"}

    with pytest.raises(BackendError, match=f"Redis at {LOOPBACK}") as caught:
        health.feast(platform(tmp_path, feast={"redis": redis}))

    assert "hunter2" not in str(caught.value)
