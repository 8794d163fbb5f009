"""The account of the worker is enough to deploy a model service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mlops_common.refs import ModelRef
from mlops_common.sections import KserveSettings
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing, health
from mlops_common.testing.kserve import KserveDouble, install
from mlops_common.testing.kubernetes import ControlPlane

pytestmark = pytest.mark.cluster

NAMESPACE = "models"
PATIENT = 60.0  # seconds


@pytest.fixture(scope="module")
def settings(
    kubernetes_api: ControlPlane,
    build: Callable[[Path], list[dict[str, Any]]],
    k3s: Path,
) -> KserveSettings:
    """A cluster with KServe and the base, as the worker is admitted to it."""
    kubernetes_api.apply(build(k3s / "base"))
    install(kubernetes_api, NAMESPACE)
    token = kubernetes_api.service_account_token("mlops", "worker")
    return KserveSettings(
        host=kubernetes_api.url,
        token=SecretStr(token),
        ca_file=kubernetes_api.ca_file,
        namespace=NAMESPACE,
        timeout=PATIENT,
    )


def test_the_doctor_misses_no_permission(settings: KserveSettings) -> None:
    found = health.examine(settings)

    assert not [remedy for remedy in found.remedies if "may not" in remedy]
    assert found.state != "down"


def test_a_version_is_staged_promoted_and_deleted(
    settings: KserveSettings, kubernetes_api: ControlPlane
) -> None:
    digest, uri = f"{1:064x}", "s3://mlops/churn/1"
    model = ModelRef(name="churn", version=1, run_id="run", uri=uri, digest=digest)
    spec = ServiceSpec("churn", model, "models:load", entity="customer_id")
    kserve = KserveServing(settings, pause=0.05)

    with KserveDouble(kubernetes_api, NAMESPACE).running():
        kserve.stage(spec)
        promoted = kserve.promote("churn")
        names = kserve.names()
        kserve.delete("churn")

    assert promoted.model == model
    assert names == ["churn"]
