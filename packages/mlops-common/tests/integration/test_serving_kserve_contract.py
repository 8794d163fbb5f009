from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.refs import EndpointRef
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve import STYLES, KserveDouble, install
from mlops_common.testing.kserve.services import NAME, connected, stored
from mlops_common.testing.kubernetes import ControlPlane
from mlops_common.testing.serving import BRIEF, SERVICE, DeployContract

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="class")
def namespace(request: pytest.FixtureRequest, kubernetes_api: ControlPlane) -> str:
    """The namespace of a test class, on a cluster of its style."""
    namespace = f"contract-{request.cls.style}"
    install(kubernetes_api, namespace, **STYLES[request.cls.style])
    return namespace


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
        serving.stage(stored(1))
        return serving.promote(NAME)

    def wanted(self, models: Path, number: int, name: str = SERVICE) -> ServiceSpec:
        assert models.is_dir()
        return stored(number, name=name)


class TestContractByCanary(Contract):
    style = "canary"


class TestContractByRevisions(Contract):
    style = "revisions"
