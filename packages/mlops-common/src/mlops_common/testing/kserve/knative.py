"""KServe's Knative mode: a revision for each template, and their share of requests."""

from typing import Any

from mlops_common.testing.kserve.workloads import (
    SERVICE,
    Fate,
    Resource,
    condition,
    failure,
    same,
    source,
    template,
)
from mlops_common.testing.kubernetes import Cluster

ALL = 100


class Knative:
    """Makes revisions, and lets the newest one be ready or fail.

    Args:
        cluster: The API server.
        fate: Which models do not load.
    """

    def __init__(self, cluster: Cluster, fate: Fate) -> None:
        self._cluster = cluster
        self._fate = fate

    def reconcile(self, service: Resource) -> Resource:
        """Make the wanted revision; return the new status."""
        status = service.get("status") or {}
        before = (status.get("components") or {}).get("predictor") or {}
        created = self._created(service)
        name = created["metadata"]["name"]
        if before.get("latestCreatedRevision") != name:
            # A new revision is told before it is ready; the rest is the past's.
            predictor = {**before, "latestCreatedRevision": name}
            return {**status, "components": {"predictor": predictor}}
        reason = self._fate(source(created["spec"]["template"]))
        after = {**before, "latestCreatedRevision": name}
        if not reason:
            after["latestReadyRevision"] = name
        percent = service["spec"]["predictor"].get("canaryTrafficPercent")
        after["traffic"] = _traffic(service, after, percent)
        _roll_out(after)
        ready = not reason
        told = "True" if ready else "False"
        url = _url(service)
        conditions = [
            condition("PredictorReady", told, reason),
            condition("PredictorRouteReady", "True"),
            condition("IngressReady", "True"),
            condition("Ready", told, reason),
        ]
        model = failure(reason, name) if reason else {"transitionStatus": "UpToDate"}
        return {
            "deploymentMode": "Knative",
            "components": {"predictor": after},
            "conditions": conditions,
            "modelStatus": model,
            "url": url,
        }

    def stop(self, service: Resource) -> None:
        """Delete the revisions."""
        for revision in self._revisions(service):
            name = revision["metadata"]["name"]
            self._cluster.request("DELETE", f"{_path(service)}/{name}")

    def _created(self, service: Resource) -> Resource:
        """Return the revision of the wanted template, made where it is not there."""
        found = self._revisions(service)
        pods = template(service, service["spec"]["predictor"])
        if found and same(found[-1]["spec"]["template"], pods):
            return found[-1]
        number = len(found) + 1
        name = f"{service['metadata']['name']}-predictor-{number:05}"
        revision = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Revision",
            "metadata": {
                "name": name,
                "namespace": service["metadata"]["namespace"],
                "labels": {SERVICE: service["metadata"]["name"]},
                "annotations": pods["metadata"]["annotations"],
            },
            "spec": {"template": pods},
        }
        self._cluster.apply([revision])
        return revision

    def _revisions(self, service: Resource) -> list[Resource]:
        name = service["metadata"]["name"]
        path = f"{_path(service)}?labelSelector={SERVICE}={name}"
        found: list[Resource] = self._cluster.request("GET", path)["items"]
        return sorted(found, key=lambda revision: str(revision["metadata"]["name"]))


def _path(service: Resource) -> str:
    namespace = service["metadata"]["namespace"]
    return f"/apis/serving.knative.dev/v1/namespaces/{namespace}/revisions"


def _url(service: Resource, tag: str = "") -> str:
    name, namespace = (service["metadata"][key] for key in ("name", "namespace"))
    return f"http://{tag}{name}.{namespace}.example.com"


def _traffic(
    service: Resource, component: Resource, percent: int | None
) -> list[Resource]:
    """Share the requests as KServe tells Knative to."""
    rolled_out = component.get("latestRolledoutRevision", "")
    latest: Resource = {
        "latestRevision": True,
        "revisionName": component.get("latestReadyRevision", ""),
        "percent": ALL,
    }
    if service["metadata"]["annotations"].get("serving.kserve.io/enable-tag-routing"):
        latest |= {"tag": "latest", "url": _url(service, "latest-")}
    if percent is None or not rolled_out:
        return [latest]
    latest["percent"] = percent
    rest: dict[str, Any] = {
        "latestRevision": False,
        "revisionName": rolled_out,
        "percent": ALL - percent,
        "tag": "prev",
    }
    return [latest, rest] if percent < ALL else [latest]


def _roll_out(component: Resource) -> None:
    """Remember the revision that has every request, as KServe does."""
    latest = component["traffic"][0]
    name = latest["revisionName"]
    if name and latest["percent"] == ALL != 0:
        if component.get("latestRolledoutRevision") not in {None, "", name}:
            component["previousRolledoutRevision"] = component[
                "latestRolledoutRevision"
            ]
        component["latestRolledoutRevision"] = name
