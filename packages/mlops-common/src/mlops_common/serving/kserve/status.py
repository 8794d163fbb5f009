"""What the statuses of InferenceServices and Deployments say."""

from collections.abc import Mapping
from typing import Any

from mlops_common.serving.kserve.manifest import storage_uri
from mlops_common.serving.kserve.rollout import PREFIX, Version

SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"

Resource = Mapping[str, Any]


def condition(service: Resource, kind: str) -> str:
    """Return the status of a condition, `True`, `False` or `Unknown`."""
    for found in (service.get("status") or {}).get("conditions") or []:
        if found["type"] == kind:
            return str(found["status"])
    return "Unknown"


def is_ready(service: Resource) -> bool:
    """Tell whether a service says that it is ready, now or in the past."""
    return condition(service, "Ready") == "True"


def newest_revision(service: Resource | None) -> str:
    """Return the name of the newest revision; empty where there is none."""
    return str(component(service or {}).get("latestCreatedRevision", ""))


def traffic(service: Resource) -> list[Resource]:
    """Return how requests are shared among revisions (Knative)."""
    return component(service).get("traffic") or []


def component(service: Resource) -> Resource:
    """Return what is told of the predictor."""
    components = (service.get("status") or {}).get("components") or {}
    found: Resource = components.get("predictor") or {}
    return found


def share(service: Resource) -> int:
    """Return the percent of the requests that the newest revision gets."""
    return sum(
        int(target.get("percent") or 0)
        for target in traffic(service)
        if target.get("latestRevision")
    )


def loaded(service: Resource) -> bool:
    """Tell whether the newest model is loaded, where that is told."""
    told = (service.get("status") or {}).get("modelStatus") or {}
    return bool(told.get("transitionStatus", "UpToDate") == "UpToDate")


def canary(service: Resource, version: Version) -> Resource | None:
    """Return what is told of a version as a canary (Standard)."""
    for found in (service.get("status") or {}).get("canaryStatuses") or []:
        if found["name"] == version.slot:
            status: Resource = found
            return status
    return None


def canary_ready(service: Resource, version: Version, percent: int = 0) -> bool:
    """Tell whether a version is a canary that answers a share of the requests."""
    found = canary(service, version)
    if found is None or not found["ready"]:
        return False
    return bool(found["trafficPercent"] == percent)


def carries(deployment: Resource | None, version: Version) -> bool:
    """Tell whether a Deployment is of a version, and of where its model lies."""
    if deployment is None:
        return False
    template = deployment["spec"]["template"]["metadata"]
    annotations = template.get("annotations") or {}
    uri = storage_uri(version.spec.model)
    return bool(
        annotations.get(PREFIX + "slot") == version.slot
        and annotations.get(SOURCE, uri) == uri
    )


def is_rolled_out(deployment: Resource) -> bool:
    """Tell whether the pods of a Deployment are those that it wants, and answer."""
    told, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    return bool(
        told.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and told.get("updatedReplicas", 0) >= wanted
        and told.get("availableReplicas", 0) >= wanted
        and told.get("replicas", 0) == told.get("updatedReplicas", 0)
    )
