"""A real API server takes the kustomizations, and grants no more than is needed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlops_common.testing.kubernetes import Cluster, RequestError

pytestmark = pytest.mark.cluster

Build = Callable[[Path], list[dict[str, Any]]]
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
FORBIDDEN = 403


class Access(NamedTuple):
    """What an account asks for.

    Attributes:
        verb: Of the request.
        resource: Such as `deployments.apps` or `pods/log`.
        namespace: Empty means all of them.
        name: Of the resource; empty means all of them.
    """

    verb: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, self))


SERVICES = "inferenceservices.serving.kserve.io"
LEASES = "leases.coordination.k8s.io"
DEPLOYING = [
    *(
        Access(verb, SERVICES, "models")
        for verb in ("get", "list", "create", "patch", "delete")
    ),
    *(Access(verb, LEASES, "models") for verb in ("get", "create", "update", "delete")),
    Access("get", "deployments.apps", "models"),
    Access("get", "revisions.serving.knative.dev", "models"),
    Access("list", "pods", "models"),
    Access("list", "events", "models"),
    Access("get", "configmaps", "kserve", "inferenceservice-config"),
    Access("get", "configmaps", "kubeflow", "inferenceservice-config"),
]
BEYOND_DEPLOYING = [
    *(
        Access(verb, "secrets", namespace)
        for namespace in ("models", "mlops", "kube-system", "")
        for verb in ("get", "list", "create")
    ),
    Access("get", "secrets", "models", "model-store"),
    Access("get", SERVICES, "default"),
    Access("list", SERVICES, ""),
    Access("deletecollection", SERVICES, "models"),
    Access("create", "pods", "models"),
    Access("get", "pods/log", "models"),
    Access("create", "pods/exec", "models"),
    Access("patch", "deployments.apps", "models"),
    Access("get", "configmaps", "kserve", "another"),
    Access("list", "configmaps", "models"),
    Access("create", "jobs.batch", "mlops"),
    Access("get", "pods", "mlops"),
    Access("create", "rolebindings.rbac.authorization.k8s.io", "models"),
    Access("impersonate", "serviceaccounts", "models"),
    Access("create", "serviceaccounts/token", "models"),
    Access("list", "nodes", ""),
]
DISPATCHING = [
    *(
        Access(verb, "jobs.batch", "mlops")
        for verb in ("get", "list", "watch", "create", "patch", "delete")
    ),
    *(Access(verb, "pods", "mlops") for verb in ("get", "list", "watch")),
    Access("get", "pods/log", "mlops"),
]
BEYOND_DISPATCHING = [
    Access("get", "secrets", "mlops"),
    Access("get", "secrets", "mlops", "prefect-api"),
    Access("create", "pods", "mlops"),
    Access("create", "jobs.batch", "models"),
    Access("list", "pods", ""),
    Access("get", SERVICES, "models"),
]


def may(cluster: Cluster, token: str, access: Access) -> bool:
    """Ask the API server whether the holder of a token may do something."""
    path, _, group = access.resource.partition(".")
    resource, _, part = path.partition("/")
    attributes = {"verb": access.verb, "group": group, "resource": resource}
    attributes |= {"subresource": part, "namespace": access.namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes | {"name": access.name}},
    }
    answer = cluster.request("POST", REVIEWS, review, token=token)
    return bool(answer["status"]["allowed"])


@pytest.fixture(scope="module")
def cluster(kubernetes_api: Cluster, build: Build, k3s: Path) -> Cluster:
    """An API server with both overlays, applied one after the other."""
    kubernetes_api.apply(build(k3s / "overlays/prefect-server"))
    kubernetes_api.apply(build(k3s / "overlays/kubernetes-pool"))
    return kubernetes_api


@pytest.fixture(scope="module")
def worker(cluster: Cluster) -> str:
    """The token of the worker's pods."""
    return cluster.service_account_token("mlops", "worker")


@pytest.fixture(scope="module")
def dispatcher(cluster: Cluster) -> str:
    """The token of the dispatcher's pod."""
    return cluster.service_account_token("mlops", "dispatcher")


def test_everything_is_there_as_it_was_written(
    cluster: Cluster, build: Build, k3s: Path
) -> None:
    deployments = "/apis/apps/v1/namespaces/mlops/deployments"
    found = cluster.request("GET", deployments)["items"]
    written = [
        *build(k3s / "overlays/prefect-server"),
        *build(k3s / "overlays/kubernetes-pool"),
    ]
    wanted = {
        one["metadata"]["name"]: one for one in written if one["kind"] == "Deployment"
    }

    assert {one["metadata"]["name"] for one in found} == {*wanted}
    for one in found:
        ours = wanted[one["metadata"]["name"]]["spec"]["template"]["spec"]
        assert contains(one["spec"]["template"]["spec"], ours)


def contains(stored: Any, written: Any) -> bool:
    """Tell whether the server kept all that was written, whatever it added."""
    if isinstance(written, dict):
        return all(k in stored and contains(stored[k], v) for k, v in written.items())
    if isinstance(written, list):
        pairs = zip(stored, written, strict=True)
        return all(contains(theirs, ours) for theirs, ours in pairs)
    return bool(stored == written)


def test_the_secrets_are_taken_once_their_namespaces_exist(
    cluster: Cluster, build: Build, secrets: Path
) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace"}
    cluster.apply([{**namespace, "metadata": {"name": "kubeflow"}}])

    cluster.apply([*build(secrets), *build(secrets / "prefect-server")])

    found = cluster.request("GET", "/api/v1/namespaces/mlops/secrets")["items"]
    names = {one["metadata"]["name"] for one in found}
    assert {"mlops-environment", "prefect-api", "prefect-server"} <= names


def test_the_api_server_takes_the_job_of_a_run(
    cluster: Cluster, job: dict[str, Any]
) -> None:
    jobs = "/apis/batch/v1/namespaces/mlops/jobs"

    made = cluster.request("POST", f"{jobs}?dryRun=All", job)

    assert contains(made["spec"]["template"], job["spec"]["template"])


@pytest.mark.parametrize("access", DEPLOYING, ids=str)
def test_the_worker_may(cluster: Cluster, worker: str, access: Access) -> None:
    assert may(cluster, worker, access)


@pytest.mark.parametrize("access", BEYOND_DEPLOYING, ids=str)
def test_the_worker_may_not(cluster: Cluster, worker: str, access: Access) -> None:
    assert not may(cluster, worker, access)


@pytest.mark.parametrize("access", DISPATCHING, ids=str)
def test_the_dispatcher_may(cluster: Cluster, dispatcher: str, access: Access) -> None:
    assert may(cluster, dispatcher, access)


@pytest.mark.parametrize("access", BEYOND_DISPATCHING, ids=str)
def test_the_dispatcher_may_not(
    cluster: Cluster, dispatcher: str, access: Access
) -> None:
    assert not may(cluster, dispatcher, access)


def test_a_secret_is_refused_to_the_worker(cluster: Cluster, worker: str) -> None:
    with pytest.raises(RequestError) as refused:
        cluster.request("GET", "/api/v1/namespaces/mlops/secrets", token=worker)

    assert refused.value.status == FORBIDDEN
