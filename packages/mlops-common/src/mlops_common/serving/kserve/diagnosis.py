"""Why a version is not ready: what KServe, its pods and the events say."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlops_common.serving.kserve.api import Api
from mlops_common.serving.kserve.manifest import Target
from mlops_common.serving.kserve.rollout import PREFIX, Version

INVALID = "InvalidSpec"
BLOCKED = frozenset({"BlockedByFailedLoad", INVALID})
HOPELESS = frozenset(
    {"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"}
)
CRASHING = "CrashLoopBackOff"
EVENTS = 5  # of the latest warnings
SERVICE = "serving.kserve.io/inferenceservice"
# Why our model server ended, when the model itself is at fault.
CONTRACT = "ContractError"

Resource = Mapping[str, Any]


def load_failure(service: Resource) -> str:
    """Return why KServe gave the model up; empty while it did not."""
    told = (service.get("status") or {}).get("modelStatus") or {}
    if told.get("transitionStatus") not in BLOCKED:
        return ""
    info = told.get("lastFailureInfo") or {}
    reason = info.get("reason") or told["transitionStatus"]
    code = f" (exit {info['exitCode']})" if info.get("exitCode") else ""
    return f"{reason}{code}: {info.get('message') or 'no message'}"


def is_invalid(service: Resource) -> bool:
    """Tell whether KServe can make nothing of the manifest."""
    told = (service.get("status") or {}).get("modelStatus") or {}
    return bool(told.get("transitionStatus") == INVALID)


def pods(api: Api, target: Target, version: Version) -> list[Resource]:
    """Return the pods of a version, as far as they may be seen."""
    path = f"/api/v1/namespaces/{target.namespace}/pods"
    found = api.visible(path, labelSelector=f"{SERVICE} in ({_names(target)})")
    return [
        pod
        for pod in (found or {}).get("items", [])
        if (pod["metadata"].get("annotations") or {}).get(PREFIX + "slot")
        == version.slot
    ]


def pod_failure(found: list[Resource]) -> str:
    """Return why a pod will never be ready; empty while it may."""
    for pod in found:
        for container in _containers(pod):
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            if reason == CRASHING or reason in HOPELESS:
                return f"{reason}: {_last_words(container, waiting)}"
    return ""


def deployment_failure(deployment: Resource | None) -> str:
    """Return why a Deployment does not go on; empty while it does."""
    status = (deployment or {}).get("status") or {}
    for condition in status.get("conditions") or []:
        kind, value = condition["type"], condition["status"]
        if (kind, value) in {("Progressing", "False"), ("ReplicaFailure", "True")}:
            return f"{condition.get('reason')}: {condition.get('message')}"
    return ""


def account(api: Api, target: Target, service: Resource, version: Version) -> str:
    """Return all that is known about a version that is not ready, in lines."""
    lines = [*_conditions(service), *_pod_lines(pods(api, target, version))]
    failure = load_failure(service)
    if failure:
        lines.insert(0, failure)
    lines += _events(api, target, version)
    return "\n".join(f"  {line}" for line in lines) or "  nothing is told yet"


def _names(target: Target) -> str:
    return f"{target.name}, {target.sibling}"


def _containers(pod: Resource) -> Iterator[Resource]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _last_words(container: Resource, waiting: Resource) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    words = str(ended.get("message") or waiting.get("message") or "no message")
    return f"{container['name']} says: {words.strip()}"


def _conditions(service: Resource) -> Iterator[str]:
    for condition in (service.get("status") or {}).get("conditions") or []:
        if condition["status"] != "True" and condition["type"] != "Stopped":
            told = condition.get("message") or condition.get("reason") or "no reason"
            yield f"{condition['type']} is {condition['status']}: {told}"


def _pod_lines(found: list[Resource]) -> Iterator[str]:
    for pod in found:
        name, phase = pod["metadata"]["name"], (pod.get("status") or {}).get("phase")
        told = pod_failure([pod])
        yield f"pod {name} is {phase}{': ' + told if told else ''}"


def _events(api: Api, target: Target, version: Version) -> Iterator[str]:
    path = f"/api/v1/namespaces/{target.namespace}/events"
    found = api.visible(path, fieldSelector="type=Warning")
    ours = [
        event
        for event in (found or {}).get("items", [])
        if _concerns(event["involvedObject"].get("name", ""), target, version)
    ]
    for event in sorted(ours, key=_instant)[-EVENTS:]:
        about = event["involvedObject"]
        yield (
            f"event {event.get('reason')} of {about.get('kind')} {about.get('name')}: "
            f"{event.get('message')}"
        )


def _concerns(name: str, target: Target, version: Version) -> bool:
    """Tell whether an object belongs to a version, by its name."""
    if name in {target.name, target.sibling}:
        return True
    workloads = (target.workload(version, staged=staged) for staged in (False, True))
    return any(name.startswith(workload) for workload in workloads)


def _instant(event: Resource) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
