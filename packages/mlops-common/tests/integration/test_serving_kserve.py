"""Deploys to a Kubernetes API, in each style in which KServe may be installed."""

from pathlib import Path

import pytest

from mlops_common.errors import (
    ConfigError,
    NotFoundError,
    RefusedError,
)
from mlops_common.sections import KserveSettings
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve import STYLES, configuration, install
from mlops_common.testing.kserve.deploys import Deploys
from mlops_common.testing.kserve.services import NAME, PATIENCE, connected, path, stored
from mlops_common.testing.kubernetes import ControlPlane

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="class")
def namespace(request: pytest.FixtureRequest, kubernetes_api: ControlPlane) -> str:
    """The namespace of a test class, on a cluster of its style."""
    namespace = f"with-{request.cls.style}"
    install(kubernetes_api, namespace, **STYLES[request.cls.style])
    return namespace


class TestCanary(Deploys):
    style = "canary"

    def test_requests_are_split_and_promotion_restarts_no_pod(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        promoted.stage(stored(2))
        staged = _deployments(kubernetes_api, namespace)

        promoted.split(NAME, 10)
        assert promoted.status(NAME).percent == 10
        service = kubernetes_api.get(path(namespace))
        assert service["spec"]["canary"][0]["trafficPercent"] == 10
        promoted.split(NAME, 40)
        promoted.promote(NAME)

        service = kubernetes_api.get(path(namespace))
        assert "canary" not in service["spec"]
        left = _deployments(kubernetes_api, namespace)
        assert len(left) == 1
        assert left.items() <= staged.items()

    def test_a_split_needs_something_to_split(self, kserve: KserveServing) -> None:
        with pytest.raises(ConfigError, match="between 0 and 100"):
            kserve.split(NAME, 101)
        with pytest.raises(NotFoundError, match="nothing is staged"):
            kserve.split(NAME, 10)
        kserve.stage(stored(1))
        with pytest.raises(NotFoundError, match="no promoted version"):
            kserve.split(NAME, 10)

    def test_a_split_without_the_gateway_api_is_refused(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        promoted.stage(stored(2))
        kubernetes_api.apply([configuration(gateway=False)])

        with pytest.raises(RefusedError, match="Gateway API, which is off"):
            connected(kubernetes_api, namespace).split(NAME, 10)

        kubernetes_api.apply([configuration()])

    def test_a_field_of_another_manager_is_told_and_left(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        service = kubernetes_api.get(path(namespace))
        predictor = service["spec"]["predictor"]
        theirs = {
            "apiVersion": service["apiVersion"],
            "kind": service["kind"],
            "metadata": {"name": NAME, "namespace": namespace},
            "spec": {
                "predictor": {
                    "model": {
                        "modelFormat": predictor["model"]["modelFormat"],
                        "storageUri": "s3://theirs/model",
                    }
                }
            },
        }
        kubernetes_api.apply([theirs])

        with pytest.raises(RefusedError, match=r"storageUri.*\"test\""):
            promoted.stage(stored(2))

        service = kubernetes_api.get(path(namespace))
        assert service["spec"]["predictor"]["model"]["storageUri"].startswith(
            "s3://theirs"
        )

    def test_a_service_tells_its_model_to_people_too(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        service = kubernetes_api.get(path(namespace))

        annotations = service["spec"]["predictor"]["annotations"]
        assert annotations["mlops/model-version"] == "1"
        assert annotations["mlops/model-digest"] == stored(1).model.digest
        assert annotations["mlops/dataset"] == "customers@v3"
        assert promoted.endpoint(NAME).model == stored(1).model

    @pytest.mark.usefixtures("double")
    def test_the_namespace_is_that_of_the_service_where_none_is_set(
        self, kubernetes_api: ControlPlane, namespace: str
    ) -> None:
        where = KserveSettings(kubeconfig=kubernetes_api.kubeconfig, timeout=PATIENCE)
        KserveServing(where, pause=0.05).stage(stored(1, namespace=namespace))

        promoted = KserveServing(where, pause=0.05).promote(NAME)

        assert promoted.model.version == 1
        assert kubernetes_api.get(path(namespace)) is not None

    def test_a_model_in_a_folder_is_refused(
        self, kserve: KserveServing, tmp_path: Path
    ) -> None:
        wanted = stored(1)
        model = wanted.model.model_copy(update={"uri": tmp_path.as_uri()})

        with pytest.raises(ConfigError, match="a pod cannot fetch"):
            kserve.stage(ServiceSpec(NAME, model, wanted.predictor))
        assert kserve.names() == []


class TestSibling(Deploys):
    style = "sibling"

    def test_a_split_is_refused_and_not_ignored(self, promoted: KserveServing) -> None:
        promoted.stage(stored(2))

        with pytest.raises(RefusedError, match=r"from version 0\.20 on"):
            promoted.split(NAME, 10)

        assert promoted.promote(NAME).model.version == 2


class TestRevisions(Deploys):
    style = "revisions"

    @pytest.mark.parametrize("percent", [10, 100])
    def test_requests_are_split_and_given_back(
        self,
        kubernetes_api: ControlPlane,
        namespace: str,
        promoted: KserveServing,
        percent: int,
    ) -> None:
        promoted.stage(stored(2))

        promoted.split(NAME, percent)
        service = kubernetes_api.get(path(namespace))
        assert service["spec"]["predictor"]["canaryTrafficPercent"] == percent
        promoted.discard(NAME)

        assert promoted.endpoint(NAME).model.version == 1
        promoted.stage(stored(3))
        promoted.split(NAME, 50)
        assert promoted.promote(NAME).model.version == 3
        assert promoted.roll_back(NAME).model.version == 1

    def test_a_service_of_the_other_mode_keeps_it(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        other = connected(kubernetes_api, namespace, mode="Standard")

        other.stage(stored(2))
        other.promote(NAME)

        service = kubernetes_api.get(path(namespace))
        annotations = service["metadata"]["annotations"]
        assert annotations["serving.kserve.io/deploymentMode"] == "Knative"
        assert promoted.endpoint(NAME).model.version == 2


def _deployments(cluster: ControlPlane, namespace: str) -> dict[str, int]:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    return {
        item["metadata"]["name"]: item["metadata"]["generation"]
        for item in cluster.request("GET", path)["items"]
    }
