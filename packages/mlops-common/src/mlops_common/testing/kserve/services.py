"""Services to deploy in tests, on a cluster whose KServe is played."""

from typing import Any

from mlops_common.refs import ModelRef
from mlops_common.sections import KserveSettings
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kubernetes import Cluster

NAME = "scores"
PATIENCE = 60.0  # seconds
PAUSE = 0.05  # seconds between two looks


def stored(version: int, *, bucket: str = "models", **fields: Any) -> ServiceSpec:
    """Return a service of a model in an object store, where nobody looks for it.

    Args:
        version: Version of the model.
        bucket: Where it lies; one in the bucket `broken` does not load.
        fields: Other fields of the service.
    """
    model = ModelRef(
        name="score",
        version=version,
        run_id=f"run-{version}",
        uri=f"s3://{bucket}/score/{version}",
        digest=f"{version:064x}",
        dataset="customers@v3",
    )
    spec = {"name": NAME, "predictor": "models:load", "entity": "customer_id"}
    return ServiceSpec(model=model, **{**spec, **fields})


def connected(
    cluster: Cluster,
    namespace: str,
    *,
    holder: str = "",
    timeout: float = PATIENCE,
    **fields: Any,
) -> KserveServing:
    """Return serving on a cluster, as its administrator.

    Args:
        cluster: The API server.
        namespace: Where services are.
        holder: Who deploys: this process, unless said otherwise.
        timeout: Seconds for a version to be ready.
        fields: Other settings.
    """
    settings = KserveSettings(
        kubeconfig=cluster.kubeconfig, namespace=namespace, timeout=timeout, **fields
    )
    return KserveServing(settings, holder=holder, pause=PAUSE)


def path(namespace: str, name: str = NAME) -> str:
    """Return the path of a service on the API server."""
    root = f"/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices"
    return f"{root}/{name}" if name else root
