"""The controller: looks at every service, again and again, and writes its status."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlops_common.testing.kserve.knative import Knative
from mlops_common.testing.kserve.kubelet import Kubelet
from mlops_common.testing.kserve.standard import MERGE, Standard
from mlops_common.testing.kserve.workloads import SERVICE, Resource, condition
from mlops_common.testing.kubernetes import Cluster, RequestError

SERVICES = "/apis/serving.kserve.io/v1beta1"
STOP = "serving.kserve.io/stop"
MODE = "serving.kserve.io/deploymentMode"
COLLECTED = (
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/serving.knative.dev/v1/namespaces/{}/revisions",
)
PAUSE = 0.1  # seconds between two rounds
BROKEN = "broken"


class KserveDouble:
    """A double of KServe's controller for one namespace.

    Without a kubelet, pods are only said to answer, but for those of a model whose URI
    says `broken`. With one they run, in Standard mode, and fail by themselves.

    Args:
        cluster: The API server.
        namespace: Of the services.
        kubelet: Runs the pods.

    Attributes:
        paused: Whether it does nothing, as one that is down.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, kubelet: Kubelet | None = None
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._kubelet = kubelet
        self._end = threading.Event()
        self.paused = False
        self._modes: dict[str, Standard | Knative] = {
            "Standard": Standard(cluster, self.fate, kubelet),
            "Knative": Knative(cluster, self.fate),
        }

    def fate(self, uri: str) -> str:
        """Return why a model does not load: one whose URI says `broken` does not."""
        if BROKEN not in uri:
            return ""
        return "ModelLoadFailed: the pickle is broken"

    @contextmanager
    def running(self) -> Iterator["KserveDouble"]:
        """Control until the block ends."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        while not self._end.wait(PAUSE):
            # As the real one, it tries again when the server is away or a resource
            # was changed or deleted meanwhile.
            with suppress(RequestError, OSError):
                if not self.paused:
                    self._round()

    def _round(self) -> None:
        path = f"{SERVICES}/namespaces/{self._namespace}/inferenceservices"
        alive = set()
        for service in self._cluster.request("GET", path)["items"]:
            alive.add(service["metadata"]["name"])
            with suppress(RequestError):
                self._reconcile(service)
        self._collect(alive)

    def _reconcile(self, service: Resource) -> None:
        annotations = service["metadata"].get("annotations") or {}
        mode = self._modes[annotations[MODE]]
        if annotations.get(STOP) == "true":
            mode.stop(service)
            status: Resource = {
                "deploymentMode": annotations[MODE],
                "components": None,
                "canaryStatuses": None,
                "modelStatus": None,
                "conditions": [condition("Ready", "False", "Stopped")],
            }
        else:
            status = mode.reconcile(service)
        name = service["metadata"]["name"]
        path = f"{SERVICES}/namespaces/{self._namespace}/inferenceservices/{name}"
        self._cluster.request("PATCH", f"{path}/status", {"status": status}, kind=MERGE)

    def _collect(self, alive: set[str]) -> None:
        """Play the garbage collector: what belonged to a deleted service goes."""
        for kind in COLLECTED:
            path = kind.format(self._namespace)
            for item in (self._cluster.get(path) or {"items": []})["items"]:
                owner = (item["metadata"].get("labels") or {}).get(SERVICE)
                if owner is not None and owner not in alive:
                    name = item["metadata"]["name"]
                    self._cluster.request("DELETE", f"{path}/{name}")
                    if self._kubelet is not None:
                        self._kubelet.end(name)
