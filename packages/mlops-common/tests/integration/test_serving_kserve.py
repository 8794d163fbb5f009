from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from mlops_common.errors import (
    BackendError,
    ConfigError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from mlops_common.processes import wait_until
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.sections import KserveSettings
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve import KserveDouble, configuration, install
from mlops_common.testing.kubernetes import ControlPlane
from mlops_common.testing.serving import BRIEF, SERVICE, DeployContract

pytestmark = pytest.mark.cluster

NAME = SERVICE
PATH = "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices/{}"
PATIENT = 60.0  # seconds
STYLES: dict[str, dict[str, Any]] = {
    "canary": {},
    "sibling": {"canary": False},
    "revisions": {"knative": True, "mode": "Knative"},
}


def spec(version: int, *, bucket: str = "models", **fields: Any) -> ServiceSpec:
    model = ModelRef(
        name="score",
        version=version,
        run_id=f"run-{version}",
        uri=f"s3://{bucket}/score/{version}",
        digest=f"{version:064x}",
        dataset="customers@v3",
    )
    return ServiceSpec(NAME, model, "models:load", entity="customer_id", **fields)


def settings(
    cluster: ControlPlane, namespace: str, timeout: float = PATIENT, **fields: Any
) -> KserveSettings:
    return KserveSettings(
        kubeconfig=cluster.kubeconfig, namespace=namespace, timeout=timeout, **fields
    )


def connected(
    cluster: ControlPlane, namespace: str, holder: str = "", **fields: Any
) -> KserveServing:
    return KserveServing(
        settings(cluster, namespace, **fields), holder=holder, pause=0.05
    )


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
            path = PATH.format(namespace, "")
            assert wait_until(
                lambda: not kubernetes_api.request("GET", path)["items"], PATIENT
            )

    @pytest.fixture
    def kserve(
        self, kubernetes_api: ControlPlane, namespace: str, double: KserveDouble
    ) -> KserveServing:
        assert not double.paused
        return connected(kubernetes_api, namespace)

    @pytest.fixture
    def promoted(self, kserve: KserveServing) -> KserveServing:
        kserve.stage(spec(1))
        kserve.promote(NAME)
        return kserve

    def test_the_first_version_is_staged_and_promoted(
        self, kserve: KserveServing
    ) -> None:
        staged = kserve.stage(spec(1))
        assert staged.model == spec(1).model
        assert kserve.status(NAME).endpoint is None
        assert kserve.status(NAME).staged == staged
        with pytest.raises(NotFoundError, match="no promoted version"):
            kserve.endpoint(NAME)

        promoted = kserve.promote(NAME)

        assert promoted.model == spec(1).model
        assert kserve.endpoint(NAME) == promoted
        assert kserve.status(NAME).running
        assert kserve.names() == [NAME]
        with pytest.raises(NotFoundError, match="before this one"):
            kserve.roll_back(NAME)

    def test_a_staged_version_stands_beside_and_can_be_discarded(
        self, promoted: KserveServing
    ) -> None:
        before = promoted.endpoint(NAME)

        staged = promoted.stage(spec(2))
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
        promoted.stage(spec(2))
        promoted.discard(NAME)
        promoted.stage(spec(3))
        assert promoted.promote(NAME).model.version == 3
        promoted.stage(spec(4))

        assert promoted.roll_back(NAME).model.version == 1
        assert promoted.status(NAME).staged is None
        assert promoted.roll_back(NAME).model == spec(3).model
        assert promoted.endpoint(NAME).url == url

    def test_a_model_that_does_not_load_is_told_and_harms_nothing(
        self, promoted: KserveServing
    ) -> None:
        with pytest.raises(BackendError, match="the pickle is broken"):
            promoted.stage(spec(2, bucket="broken"))

        assert promoted.endpoint(NAME).model.version == 1
        with pytest.raises(NotFoundError, match="nothing is staged"):
            promoted.promote(NAME)
        promoted.stage(spec(3))
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
            hurried.stage(spec(2))

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
        promoted.stage(spec(2))

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
                deploys[number].stage(spec(2 + number))
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
        import socket

        dead = f"{socket.gethostname()}/1/0.0"
        connected(kubernetes_api, namespace, holder=dead).stage(spec(2))

        promoted.stage(spec(3))

        assert promoted.promote(NAME).model.version == 3

    def test_what_another_deploy_replaced_is_not_promoted(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        promoted.stage(spec(2))
        other = connected(kubernetes_api, namespace)  # of this process: it may
        other.stage(spec(3))

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
            staging = pool.submit(promoted.stage, spec(2))
            assert wait_until(lambda: _has_staged(promoted), PATIENT)

            kubernetes_api.stop_api()
            kubernetes_api.start_api()
            double.paused = False

            assert staging.result(2 * PATIENT).model.version == 2
        assert promoted.promote(NAME).model.version == 2


class Contract(DeployContract):
    """The contract, where the controller of KServe is played."""

    @pytest.fixture(autouse=True)
    def controlled(
        self, kubernetes_api: ControlPlane, namespace: str
    ) -> Iterator[None]:
        with KserveDouble(kubernetes_api, namespace).running():
            yield
            for name in (SERVICE, BRIEF):
                connected(kubernetes_api, namespace).delete(name)

    @pytest.fixture
    def serving(self, kubernetes_api: ControlPlane, namespace: str) -> KserveServing:
        return connected(kubernetes_api, namespace)

    @pytest.fixture
    def promoted(self, serving: KserveServing) -> EndpointRef:
        serving.stage(spec(1))
        return serving.promote(NAME)

    def wanted(self, models: Path, number: int, name: str = SERVICE) -> ServiceSpec:
        assert models.is_dir()
        return replace(spec(number), name=name)


class TestContractByCanary(Contract):
    style = "canary"


class TestContractByRevisions(Contract):
    style = "revisions"


class TestCanary(Deploys):
    style = "canary"

    def test_requests_are_split_and_promotion_restarts_no_pod(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        promoted.stage(spec(2))
        staged = _deployments(kubernetes_api, namespace)

        promoted.split(NAME, 10)
        assert promoted.status(NAME).percent == 10
        service = kubernetes_api.get(PATH.format(namespace, NAME))
        assert service["spec"]["canary"][0]["trafficPercent"] == 10
        promoted.split(NAME, 40)
        promoted.promote(NAME)

        service = kubernetes_api.get(PATH.format(namespace, NAME))
        assert "canary" not in service["spec"]
        left = _deployments(kubernetes_api, namespace)
        assert len(left) == 1
        assert left.items() <= staged.items()

    def test_a_split_needs_something_to_split(self, kserve: KserveServing) -> None:
        with pytest.raises(ConfigError, match="between 0 and 100"):
            kserve.split(NAME, 101)
        with pytest.raises(NotFoundError, match="nothing is staged"):
            kserve.split(NAME, 10)
        kserve.stage(spec(1))
        with pytest.raises(NotFoundError, match="no promoted version"):
            kserve.split(NAME, 10)

    def test_a_split_without_the_gateway_api_is_refused(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        promoted.stage(spec(2))
        kubernetes_api.apply([configuration(gateway=False)])

        with pytest.raises(RefusedError, match="Gateway API, which is off"):
            connected(kubernetes_api, namespace).split(NAME, 10)

        kubernetes_api.apply([configuration()])

    def test_a_field_of_another_manager_is_told_and_left(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        service = kubernetes_api.get(PATH.format(namespace, NAME))
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
            promoted.stage(spec(2))

        service = kubernetes_api.get(PATH.format(namespace, NAME))
        assert service["spec"]["predictor"]["model"]["storageUri"].startswith(
            "s3://theirs"
        )

    def test_a_service_tells_its_model_to_people_too(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        service = kubernetes_api.get(PATH.format(namespace, NAME))

        annotations = service["spec"]["predictor"]["annotations"]
        assert annotations["mlops/model-version"] == "1"
        assert annotations["mlops/model-digest"] == spec(1).model.digest
        assert annotations["mlops/dataset"] == "customers@v3"
        assert promoted.endpoint(NAME).model == spec(1).model

    @pytest.mark.usefixtures("double")
    def test_the_namespace_is_that_of_the_service_where_none_is_set(
        self, kubernetes_api: ControlPlane, namespace: str
    ) -> None:
        where = KserveSettings(kubeconfig=kubernetes_api.kubeconfig, timeout=PATIENT)
        KserveServing(where, pause=0.05).stage(spec(1, namespace=namespace))

        promoted = KserveServing(where, pause=0.05).promote(NAME)

        assert promoted.model.version == 1
        assert kubernetes_api.get(PATH.format(namespace, NAME)) is not None

    def test_a_model_in_a_folder_is_refused(
        self, kserve: KserveServing, tmp_path: Path
    ) -> None:
        wanted = spec(1)
        model = wanted.model.model_copy(update={"uri": tmp_path.as_uri()})

        with pytest.raises(ConfigError, match="a pod cannot fetch"):
            kserve.stage(ServiceSpec(NAME, model, wanted.predictor))
        assert kserve.names() == []


class TestSibling(Deploys):
    style = "sibling"

    def test_a_split_is_refused_and_not_ignored(self, promoted: KserveServing) -> None:
        promoted.stage(spec(2))

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
        promoted.stage(spec(2))

        promoted.split(NAME, percent)
        service = kubernetes_api.get(PATH.format(namespace, NAME))
        assert service["spec"]["predictor"]["canaryTrafficPercent"] == percent
        promoted.discard(NAME)

        assert promoted.endpoint(NAME).model.version == 1
        promoted.stage(spec(3))
        promoted.split(NAME, 50)
        assert promoted.promote(NAME).model.version == 3
        assert promoted.roll_back(NAME).model.version == 1

    def test_a_service_of_the_other_mode_keeps_it(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        other = connected(kubernetes_api, namespace, mode="Standard")

        other.stage(spec(2))
        other.promote(NAME)

        service = kubernetes_api.get(PATH.format(namespace, NAME))
        annotations = service["metadata"]["annotations"]
        assert annotations["serving.kserve.io/deploymentMode"] == "Knative"
        assert promoted.endpoint(NAME).model.version == 2


@pytest.fixture(scope="module")
def plain(kubernetes_api: ControlPlane) -> str:
    install(kubernetes_api, "plain")
    return "plain"


def test_a_wrong_token_is_told_and_not_repeated(
    kubernetes_api: ControlPlane, plain: str
) -> None:
    wrong = KserveSettings(
        host=kubernetes_api.url,
        ca_file=kubernetes_api.ca_file,
        token=SecretStr("hunter2"),
        namespace=plain,
    )

    with pytest.raises(ConfigError, match="refused the token") as caught:
        KserveServing(wrong).names()

    assert "hunter2" not in str(caught.value)


def test_a_token_file_is_read_again_when_it_was_renewed(
    kubernetes_api: ControlPlane, plain: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("of-nobody", "utf-8")
    kserve = KserveServing(
        KserveSettings(
            host=kubernetes_api.url,
            ca_file=kubernetes_api.ca_file,
            token_file=token,
            namespace=plain,
        )
    )
    with pytest.raises(ConfigError, match="wrong or expired"):
        kserve.names()

    token.write_text(kubernetes_api.token, "utf-8")

    assert kserve.names() == []


def test_an_account_without_rights_is_told_what_it_lacks(
    kubernetes_api: ControlPlane, plain: str
) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "nobody", "namespace": plain},
    }
    kubernetes_api.apply([account])
    token = kubernetes_api.service_account_token(plain, "nobody")
    nobody = KserveSettings(
        kubeconfig=kubernetes_api.kubeconfig_of(token, "nobody"), namespace=plain
    )

    with pytest.raises(ConfigError, match=r"cannot list resource .inferenceservices"):
        KserveServing(nobody).names()


def test_no_server_is_told_with_its_address() -> None:
    nowhere = KserveSettings(
        host="https://127.0.0.1:1", namespace="models", patience=0.5
    )

    with pytest.raises(BackendError, match=r"127\.0\.0\.1:1 does not answer"):
        KserveServing(nowhere).names()


def test_a_kubeconfig_that_is_not_there_is_told(tmp_path: Path) -> None:
    absent = KserveSettings(kubeconfig=tmp_path / "config", namespace="models")

    with pytest.raises(ConfigError, match=r"kserve\.kubeconfig"):
        KserveServing(absent).names()


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
