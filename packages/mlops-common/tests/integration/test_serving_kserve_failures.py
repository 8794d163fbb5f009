from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr

from mlops_common.errors import BackendError, ConfigError, ContractError, MlopsError
from mlops_common.processes import wait_until
from mlops_common.sections import KserveSettings
from mlops_common.serving.kserve import KserveServing
from mlops_common.serving.kserve.rollout import Version
from mlops_common.testing.kserve import KserveDouble, install
from mlops_common.testing.kserve.services import (
    NAME,
    PATIENCE,
    PAUSE,
    connected,
    path,
    stored,
)
from mlops_common.testing.kubernetes import ControlPlane

pytestmark = pytest.mark.cluster

NAMESPACE = "failures"
MERGE = "application/merge-patch+json"


@pytest.fixture(scope="module")
def cluster(kubernetes_api: ControlPlane) -> ControlPlane:
    install(kubernetes_api, NAMESPACE)
    return kubernetes_api


@pytest.fixture
def double(cluster: ControlPlane) -> Iterator[KserveDouble]:
    with KserveDouble(cluster, NAMESPACE).running() as double:
        kserve = connected(cluster, NAMESPACE)
        kserve.stage(stored(1))
        kserve.promote(NAME)
        yield double
        double.paused = False
        kserve.delete(NAME)


def staged(cluster: ControlPlane) -> Version | None:
    """Return what is staged, seen from outside."""
    try:
        return (
            connected(cluster, NAMESPACE).cluster.service(NAME).state().rollout.staged
        )
    except MlopsError:
        return None


def appeared(cluster: ControlPlane) -> Version:
    """Wait until a version is staged."""
    assert wait_until(lambda: staged(cluster) is not None, PATIENCE)
    found = staged(cluster)
    assert found is not None
    return found


def crash(cluster: ControlPlane, version: Version, words: str) -> None:
    """Play a kubelet whose container ends again and again."""
    name = f"{NAME}-{version.slot}-predictor-1"
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    metadata = {
        "name": name,
        "labels": {"serving.kserve.io/inferenceservice": NAME},
        "annotations": {"mlops/slot": version.slot},
    }
    container = {"name": "kserve-container", "image": "model-server"}
    pod = {"metadata": metadata, "spec": {"containers": [container]}}
    cluster.request("POST", pods, pod)
    ended = {"exitCode": 1, "message": words}
    status = {
        "name": "kserve-container",
        "image": "model-server",
        "imageID": "",
        "ready": False,
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": ended},
    }
    told = {"status": {"phase": "Running", "containerStatuses": [status]}}
    cluster.request("PATCH", f"{pods}/{name}/status", told, kind=MERGE)


def warn(cluster: ControlPlane, message: str) -> None:
    """Write an event of the service, as a controller does."""
    about = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "name": NAME,
        "namespace": NAMESPACE,
    }
    event: dict[str, Any] = {
        "metadata": {"generateName": "warning-"},
        "type": "Warning",
        "reason": "InternalError",
        "message": message,
        "involvedObject": about,
    }
    cluster.request("POST", f"/api/v1/namespaces/{NAMESPACE}/events", event)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("MemoryError: out of memory", BackendError),
        ("mlops_common.errors.ContractError: the files were altered", ContractError),
    ],
)
def test_the_last_words_of_a_pod_that_crashes_are_told_at_once(
    cluster: ControlPlane, double: KserveDouble, words: str, kind: type[MlopsError]
) -> None:
    double.paused = True
    with ThreadPoolExecutor() as pool:
        staging = pool.submit(connected(cluster, NAMESPACE).stage, stored(2))
        crash(cluster, appeared(cluster), words)

        error = staging.exception(PATIENCE)

    assert isinstance(error, kind)
    assert words in str(error)
    assert staged(cluster) is None


def test_a_manifest_that_kserve_cannot_use_is_told_at_once(
    cluster: ControlPlane, double: KserveDouble
) -> None:
    kserve = connected(cluster, NAMESPACE)
    kserve.delete(NAME)
    double.paused = True
    info = {"reason": "NoSupportingRuntime", "message": "no runtime supports mlops"}
    model = {"transitionStatus": "InvalidSpec", "lastFailureInfo": info}
    with ThreadPoolExecutor() as pool:
        staging = pool.submit(kserve.stage, stored(1))
        appeared(cluster)
        told = {"status": {"modelStatus": model}}
        cluster.request("PATCH", f"{path(NAMESPACE)}/status", told, kind=MERGE)

        error = staging.exception(PATIENCE)

    assert isinstance(error, BackendError)
    assert "failed: NoSupportingRuntime: no runtime supports mlops" in str(error)


def test_a_timeout_tells_conditions_and_events(
    cluster: ControlPlane, double: KserveDouble
) -> None:
    double.paused = True
    condition = {"type": "Ready", "status": "False", "message": "no node has room"}
    told = {"status": {"conditions": [condition]}}
    cluster.request("PATCH", f"{path(NAMESPACE)}/status", told, kind=MERGE)
    warn(cluster, "the webhook is away")

    with pytest.raises(BackendError) as caught:
        connected(cluster, NAMESPACE, timeout=1).stage(stored(2))

    assert "did not become ready in 1 s (kserve.timeout)" in str(caught.value)
    assert "Ready is False: no node has room" in str(caught.value)
    assert "InternalError of InferenceService scores: the webhook is away" in str(
        caught.value
    )


def test_a_token_that_ends_during_a_wait_is_told(
    cluster: ControlPlane, double: KserveDouble
) -> None:
    token = _deployer(cluster)
    settings = KserveSettings(
        host=cluster.url,
        ca_file=cluster.ca_file,
        token=SecretStr(token),
        namespace=NAMESPACE,
        timeout=PATIENCE,
    )
    double.paused = True
    with ThreadPoolExecutor() as pool:
        staging = pool.submit(KserveServing(settings, pause=PAUSE).stage, stored(2))
        appeared(cluster)

        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/deployer"
        cluster.request("DELETE", account)

        error = staging.exception(PATIENCE)

    assert isinstance(error, ConfigError)
    assert "wrong or expired" in str(error)
    assert token not in str(error)
    connected(cluster, NAMESPACE).discard(NAME)
    assert connected(cluster, NAMESPACE).endpoint(NAME).model.version == 1


def test_a_foreign_service_is_neither_told_nor_deleted(cluster: ControlPlane) -> None:
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://theirs/model"}
    theirs = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "theirs", "namespace": NAMESPACE},
        "spec": {"predictor": {"model": model}},
    }
    cluster.apply([theirs])
    kserve = connected(cluster, NAMESPACE)

    assert "theirs" not in kserve.names()
    with pytest.raises(MlopsError, match="not deployed by this platform"):
        kserve.delete("theirs")
    assert cluster.get(path(NAMESPACE, "theirs")) is not None


def _deployer(cluster: ControlPlane) -> str:
    """Return the token of an account that may do all in its namespace."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    metadata = {"name": "deployer", "namespace": NAMESPACE}
    subject = {"kind": "ServiceAccount", **metadata}
    anything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    cluster.apply(
        [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {**rbac, "kind": "Role", "metadata": metadata, "rules": [anything]},
            {
                **rbac,
                "kind": "RoleBinding",
                "metadata": metadata,
                "subjects": [subject],
                "roleRef": role,
            },
        ]
    )
    return cluster.service_account_token(NAMESPACE, "deployer")
