from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_common.objects.base import ObjectStore
from mlops_common.objects.s3 import S3ObjectStore
from mlops_common.refs import EndpointRef
from mlops_common.sections import KserveSettings
from mlops_common.serving.artifact import verified
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve import KserveDouble, Kubelet, gateway, install
from mlops_common.testing.kubernetes import ControlPlane
from mlops_common.testing.moto import moto_server
from mlops_common.testing.serving import SERVICE, ServingContract, spec

pytestmark = pytest.mark.cluster

NAMESPACE = "with-pods"
PATIENCE = 180.0  # seconds


class Registered(KserveServing):
    """Serving of models that are registered, in a bucket, before they are staged."""

    def __init__(self, settings: KserveSettings, objects: ObjectStore) -> None:
        super().__init__(settings, pause=0.05)
        self._objects = objects

    def stage(self, spec: ServiceSpec) -> EndpointRef:
        """Upload a model's folder, as registering does, and stage it."""
        folder = Path(spec.model.uri.removeprefix("file://"))
        key = f"models/{folder.name}"
        for file in folder.rglob("*"):
            self._objects.upload(f"{key}/{file.relative_to(folder)}", file)
        uri = {"uri": self._objects.uri(key)}
        return super().stage(replace(spec, model=spec.model.model_copy(update=uri)))


@pytest.fixture(scope="class")
def serving(
    kubernetes_api: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KserveServing]:
    """KServe in Standard mode, whose pods run here and answer behind a gateway."""
    install(kubernetes_api, NAMESPACE)
    folder = tmp_path_factory.mktemp("pods")
    with ExitStack() as stack:
        objects = S3ObjectStore(stack.enter_context(moto_server()).bucket())
        kubelet = stack.enter_context(Kubelet(folder, objects))
        url = stack.enter_context(gateway(kubernetes_api, kubelet))
        double = KserveDouble(kubernetes_api, NAMESPACE, kubelet)
        stack.enter_context(double.running())
        settings = KserveSettings(
            kubeconfig=kubernetes_api.kubeconfig,
            namespace=NAMESPACE,
            url=url,
            timeout=PATIENCE,
        )
        serving = Registered(settings, objects)
        yield serving
        serving.delete(SERVICE)


@pytest.fixture(scope="class")
def promoted(serving: KserveServing, models: Path) -> EndpointRef:
    wanted = spec(models, 1)
    assert verified(wanted.model).is_dir()
    serving.stage(wanted)
    return serving.promote(SERVICE)


class TestPods(ServingContract):
    pass
