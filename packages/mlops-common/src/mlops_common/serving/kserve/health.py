"""How a cluster's KServe is: its version and mode, and what we may do there."""

from collections.abc import Iterator

from mlops_common.health import Health, found
from mlops_common.sections import KserveSettings
from mlops_common.serving.kserve import connection
from mlops_common.serving.kserve.api import Api
from mlops_common.serving.kserve.cluster import Cluster
from mlops_common.serving.kserve.modes import GROUP, Capability

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PATIENCE = 5.0  # seconds
# Without these nothing is deployed.
NEEDED = (
    (GROUP, "inferenceservices", ("get", "list", "create", "patch", "delete")),
    ("coordination.k8s.io", "leases", ("get", "create", "update", "delete")),
    ("apps", "deployments", ("get",)),
)
# Without these a failed deploy does not tell why.
HELPFUL = (("", "events", ("list",)), ("", "pods", ("list",)))
Rights = tuple[tuple[str, str, tuple[str, ...]], ...]


def examine(settings: KserveSettings) -> Health:
    """Tell what the cluster can do, and what its administrator must grant.

    Raises:
        ConfigError: The cluster does not admit us.
        BackendError: It cannot be reached, or has no KServe.
    """
    cluster = Cluster(settings.model_copy(update={"patience": PATIENCE}))
    api, namespace = cluster.api, connection.namespace(settings)
    version = str(api.get("/version")["gitVersion"])
    denied = list(_denied(api, namespace, NEEDED))
    remedies = [_grant(denied, namespace, "nothing can be deployed")] if denied else []
    missed = list(_denied(api, namespace, HELPFUL))
    if missed:
        remedies.append(_grant(missed, namespace, "a failed deploy tells less"))
    if denied:
        # KServe's abilities are found out by a request that would be denied.
        return Health("down", api.host, version, remedies=tuple(remedies))
    capability = cluster.capability(namespace)
    remedies += _limits(capability)
    facts = (f"{capability.mode} mode", f"namespace {namespace}")
    return found(api.host, version=version, facts=facts, remedies=tuple(remedies))


def _limits(capability: Capability) -> Iterator[str]:
    """Yield what the KServe of the cluster cannot do."""
    style = capability.style()
    if style == "sibling":
        yield (
            "its KServe splits no requests in Standard mode, so that a canary is "
            "refused; upgrade it to 0.20 or later"
        )
    if style == "canary" and not capability.gateway:
        yield (
            "its KServe splits requests by the Gateway API, which is off or not to be "
            "seen; set enableGatewayApi in the ConfigMap inferenceservice-config"
        )


def _denied(api: Api, namespace: str, rights: Rights) -> Iterator[str]:
    """Yield each of the rights that we do not have, such as `create leases`."""
    for group, resource, verbs in rights:
        for verb in verbs:
            wanted = {
                "namespace": namespace,
                "verb": verb,
                "group": group,
                "resource": resource,
            }
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": wanted},
            }
            if not api.create(REVIEWS, review)["status"]["allowed"]:
                yield f"{verb} {resource}"


def _grant(denied: list[str], namespace: str, otherwise: str) -> str:
    return (
        f"its account may not {', '.join(denied)} in namespace {namespace!r}; grant "
        f"that, as the Role in deploy/k3s does, otherwise {otherwise}"
    )
