import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from mlops_common.processes import wait_until
from mlops_common.sections import KserveSettings
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve import STYLES, KserveDouble, configuration, install
from mlops_common.testing.kserve.services import NAME, PATIENCE, connected, path, stored
from mlops_common.testing.kubernetes import ControlPlane

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="class")
def namespace(request: pytest.FixtureRequest, kubernetes_api: ControlPlane) -> str:
    """The namespace of a test class, on a cluster of its style."""
    namespace = f"with-{request.cls.style}"
    install(kubernetes_api, namespace, **STYLES[request.cls.style])
    return namespace


class Deploys:
    """What holds in every style."""

    style: ClassVar[str]

    @pytest.fixture
    def double(
        self, kubernetes_api: ControlPlane, namespace: str
    ) -> Iterator[KserveDouble]:
        with KserveDouble(kubernetes_api, namespace).running() as double:
            yield double
            connected(kubernetes_api, namespace).delete(NAME)
            services = path(namespace, "")
            assert wait_until(
                lambda: not kubernetes_api.request("GET", services)["items"], PATIENCE
            )

    @pytest.fixture
    def kserve(
        self, kubernetes_api: ControlPlane, namespace: str, double: KserveDouble
    ) -> KserveServing:
        assert not double.paused
        return connected(kubernetes_api, namespace)

    @pytest.fixture
    def promoted(self, kserve: KserveServing) -> KserveServing:
        kserve.stage(stored(1))
        kserve.promote(NAME)
        return kserve

    def test_the_first_version_is_staged_and_promoted(
        self, kserve: KserveServing
    ) -> None:
        staged = kserve.stage(stored(1))
        assert staged.model == stored(1).model
        assert kserve.status(NAME).endpoint is None
        assert kserve.status(NAME).staged == staged
        with pytest.raises(NotFoundError, match="no promoted version"):
            kserve.endpoint(NAME)

        promoted = kserve.promote(NAME)

        assert promoted.model == stored(1).model
        assert kserve.endpoint(NAME) == promoted
        assert kserve.status(NAME).running
        assert kserve.names() == [NAME]
        with pytest.raises(NotFoundError, match="before this one"):
            kserve.roll_back(NAME)

    def test_a_staged_version_stands_beside_and_can_be_discarded(
        self, promoted: KserveServing
    ) -> None:
        before = promoted.endpoint(NAME)

        staged = promoted.stage(stored(2))
        assert staged.url != before.url
        status = promoted.status(NAME)
        assert (status.endpoint, status.staged) == (before, staged)
        promoted.discard(NAME)

        assert promoted.status(NAME).staged is None
        assert promoted.endpoint(NAME) == before
        with pytest.raises(NotFoundError, match="nothing is staged"):
            promoted.promote(NAME)

    def test_versions_follow_each_other_and_can_be_rolled_back(
        self, promoted: KserveServing
    ) -> None:
        url = promoted.endpoint(NAME).url
        promoted.stage(stored(2))
        promoted.discard(NAME)
        promoted.stage(stored(3))
        assert promoted.promote(NAME).model.version == 3
        promoted.stage(stored(4))

        assert promoted.roll_back(NAME).model.version == 1
        assert promoted.status(NAME).staged is None
        assert promoted.roll_back(NAME).model == stored(3).model
        assert promoted.endpoint(NAME).url == url

    def test_a_model_that_does_not_load_is_told_and_harms_nothing(
        self, promoted: KserveServing
    ) -> None:
        with pytest.raises(BackendError, match="the pickle is broken"):
            promoted.stage(stored(2, bucket="broken"))

        assert promoted.endpoint(NAME).model.version == 1
        with pytest.raises(NotFoundError, match="nothing is staged"):
            promoted.promote(NAME)
        promoted.stage(stored(3))
        assert promoted.promote(NAME).model.version == 3

    def test_the_readiness_of_the_past_is_not_trusted(
        self,
        kubernetes_api: ControlPlane,
        promoted: KserveServing,
        namespace: str,
        double: KserveDouble,
    ) -> None:
        assert promoted.status(NAME).running
        hurried = connected(kubernetes_api, namespace, timeout=1)
        double.paused = True

        with pytest.raises(BackendError, match=r"version 2 .* did not become ready"):
            hurried.stage(stored(2))

        double.paused = False
        assert promoted.endpoint(NAME).model.version == 1

    def test_a_stopped_service_starts_again(self, promoted: KserveServing) -> None:
        before = promoted.endpoint(NAME)

        promoted.stop(NAME)

        status = promoted.status(NAME)
        assert (status.running, status.problem) == (False, "it is stopped")
        assert promoted.endpoint(NAME) == before
        assert promoted.status(NAME).running

    def test_a_deleted_service_is_gone(self, promoted: KserveServing) -> None:
        promoted.stage(stored(2))

        promoted.delete(NAME)
        promoted.delete(NAME)

        assert promoted.names() == []
        with pytest.raises(NotFoundError, match=NAME):
            promoted.status(NAME)

    def test_of_two_deploys_one_is_refused_and_the_other_wins(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        deploys = [
            connected(kubernetes_api, namespace, holder=f"host/{number}/0")
            for number in (1, 2)
        ]

        def deploy(number: int) -> str:
            try:
                deploys[number].stage(stored(2 + number))
            except RefusedError as error:
                return str(error)
            return "won"

        with ThreadPoolExecutor() as pool:
            told = sorted(pool.map(deploy, range(2)))

        assert told[1] == "won"
        assert "another deploy" in told[0] or "is deploying service" in told[0]
        staged = promoted.status(NAME).staged
        assert staged is not None
        winner = deploys[staged.model.version - 2]
        assert winner.promote(NAME).model == staged.model

    def test_the_turn_of_a_dead_process_is_nobodys(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        dead = f"{socket.gethostname()}/1/0.0"
        connected(kubernetes_api, namespace, holder=dead).stage(stored(2))

        promoted.stage(stored(3))

        assert promoted.promote(NAME).model.version == 3

    def test_what_another_deploy_replaced_is_not_promoted(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        promoted.stage(stored(2))
        other = connected(kubernetes_api, namespace)  # of this process: it may
        other.stage(stored(3))

        with pytest.raises(RefusedError, match="replaced by another deploy"):
            promoted.promote(NAME)
        promoted.discard(NAME)

        assert other.promote(NAME).model.version == 3

    def test_an_api_server_that_is_away_for_a_while_is_waited_for(
        self,
        kubernetes_api: ControlPlane,
        promoted: KserveServing,
        double: KserveDouble,
    ) -> None:
        double.paused = True
        with ThreadPoolExecutor() as pool:
            staging = pool.submit(promoted.stage, stored(2))
            assert wait_until(lambda: _has_staged(promoted), PATIENCE)

            kubernetes_api.stop_api()
            kubernetes_api.start_api()
            double.paused = False

            assert staging.result(2 * PATIENCE).model.version == 2
        assert promoted.promote(NAME).model.version == 2


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


def _has_staged(kserve: KserveServing) -> bool:
    try:
        rollout = kserve.cluster.service(NAME).state().rollout
    except MlopsError:
        return False
    return rollout.staged is not None


def _deployments(cluster: ControlPlane, namespace: str) -> dict[str, int]:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    return {
        item["metadata"]["name"]: item["metadata"]["generation"]
        for item in cluster.request("GET", path)["items"]
    }
