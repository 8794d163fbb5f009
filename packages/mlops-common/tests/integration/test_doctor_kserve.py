"""What `mlops doctor` tells of a cluster: its KServe, and what we may do there."""

import pytest
from pydantic import SecretStr

from mlops_common.errors import BackendError, ConfigError
from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK
from mlops_common.sections import KserveSettings
from mlops_common.serving.kserve import health
from mlops_common.testing.kserve import install
from mlops_common.testing.kubernetes import ControlPlane

NAMESPACE = "examined"


@pytest.fixture(scope="module")
def cluster(kubernetes_api: ControlPlane) -> ControlPlane:
    install(kubernetes_api, NAMESPACE)
    metadata = {"name": "visitor", "namespace": NAMESPACE}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    kubernetes_api.apply([account])
    return kubernetes_api


def settings(cluster: ControlPlane, token: str) -> KserveSettings:
    return KserveSettings(
        host=cluster.url,
        ca_file=cluster.ca_file,
        token=SecretStr(token),
        namespace=NAMESPACE,
    )


@pytest.mark.cluster
def test_a_cluster_tells_its_version_mode_and_namespace(cluster: ControlPlane) -> None:
    found = health.examine(settings(cluster, cluster.token))

    assert (found.state, found.remedies) == ("ok", ())
    assert found.version.startswith("v1.")
    assert found.facts == ("Standard mode", f"namespace {NAMESPACE}")


@pytest.mark.cluster
def test_an_older_kserve_and_one_without_a_gateway_say_that_they_cannot_split(
    cluster: ControlPlane,
) -> None:
    install(cluster, NAMESPACE, canary=False)
    older = health.examine(settings(cluster, cluster.token))
    install(cluster, NAMESPACE, gateway=False)
    closed = health.examine(settings(cluster, cluster.token))
    install(cluster, NAMESPACE)

    assert (older.state, closed.state) == ("degraded", "degraded")
    assert "upgrade it to 0.20" in older.remedies[0]
    assert "enableGatewayApi" in closed.remedies[0]


@pytest.mark.cluster
def test_an_account_without_rights_is_told_which_it_lacks(
    cluster: ControlPlane,
) -> None:
    token = cluster.service_account_token(NAMESPACE, "visitor")

    found = health.examine(settings(cluster, token))

    assert found.state == "down"
    assert "create inferenceservices" in found.remedies[0]
    assert "update leases" in found.remedies[0]
    assert "list events" in found.remedies[1]


@pytest.mark.cluster
def test_a_token_that_is_not_accepted_is_told(cluster: ControlPlane) -> None:
    with pytest.raises(ConfigError, match=r"kserve\.token"):
        health.examine(settings(cluster, "expired"))


def test_a_cluster_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_common.serving.kserve.api.FIRST_PATIENCE", 0.5)
    away = KserveSettings(host=f"http://{LOOPBACK}:{free_port()}")

    with pytest.raises(BackendError, match=LOOPBACK):
        health.examine(away)
