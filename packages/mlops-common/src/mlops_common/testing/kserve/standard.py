"""KServe's Standard mode: a Deployment for the predictor, and one for each canary."""

from collections.abc import Mapping
from typing import Any

from mlops_common.testing.kserve.kubelet import Kubelet
from mlops_common.testing.kserve.workloads import (
    COMPONENT,
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

MERGE = "application/merge-patch+json"


class Standard:
    """Makes Deployments, and lets their pods start or fail.

    Args:
        cluster: The API server.
        fate: Which models do not load, where no pods run.
        kubelet: Runs the pods; without it they are only said to run.
    """

    def __init__(
        self, cluster: Cluster, fate: Fate, kubelet: Kubelet | None = None
    ) -> None:
        self._cluster = cluster
        self._fate = fate
        self._kubelet = kubelet

    def reconcile(self, service: Resource) -> Resource:
        """Bring the Deployments nearer to what is wanted; return the new status."""
        spec = service["spec"]
        canaries = spec.get("canary") or []
        statuses = [self._canary(service, canary) for canary in canaries]
        main = self._deployed(service, spec["predictor"])
        self._clean(service, [spec["predictor"], *(c["predictor"] for c in canaries)])
        ready = _available(main)
        reason = "" if ready else self._outcome(main) or ""
        status: Resource = {
            "observedGeneration": (main.get("status") or {}).get("observedGeneration"),
            "deploymentMode": "Standard",
            "canaryStatuses": statuses or None,
            "components": {"predictor": {}},
            "conditions": _conditions(ready=ready, reason=reason),
            "modelStatus": failure(reason) if reason else _model_status(ready=ready),
        }
        if ready:
            name, namespace = (service["metadata"][k] for k in ("name", "namespace"))
            status["url"] = f"http://{name}-{namespace}.example.com"
        return status

    def stop(self, service: Resource) -> None:
        """Delete the Deployments."""
        self._clean(service, [])

    def _canary(self, service: Resource, canary: Mapping[str, Any]) -> Resource:
        predictor = canary["predictor"]
        deployment = self._deployed(service, predictor)
        return {
            "name": predictor["name"],
            "ready": _available(deployment),
            "trafficPercent": canary["trafficPercent"],
        }

    def _deployed(self, service: Resource, predictor: Mapping[str, Any]) -> Resource:
        """Make or change a Deployment; its pods start at the next call."""
        namespace = service["metadata"]["namespace"]
        name = deployment_name(service, predictor)
        path = f"{_deployments(namespace)}/{name}"
        pods = template(service, predictor)
        found: Resource | None = self._cluster.get(path)
        if found is None or not same(found["spec"]["template"], pods):
            manifest = _deployment(name, namespace, pods)
            self._cluster.apply([manifest])
            return found or manifest
        self._run(path, found)
        return found

    def _run(self, path: str, deployment: Resource) -> None:
        """Tell whether the pods run, start or crash."""
        generation = deployment["metadata"]["generation"]
        reason = self._outcome(deployment)
        counts: Resource = {"replicas": 1, "updatedReplicas": 1}
        if reason is None:
            status = {**counts, "availableReplicas": None}
        elif reason:
            crashed = {
                "type": "Progressing",
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
                "message": reason,
            }
            counts |= {"unavailableReplicas": 1}
            status = {**counts, "conditions": [crashed]}
        else:
            status = {**counts, "readyReplicas": 1, "availableReplicas": 1}
        status |= {"observedGeneration": generation}
        self._cluster.request("PATCH", f"{path}/status", {"status": status}, kind=MERGE)

    def _outcome(self, deployment: Resource) -> str | None:
        """Return why the pods fail, empty if they answer, nothing while they start."""
        template = deployment["spec"]["template"]
        if self._kubelet is None:
            return self._fate(source(template))
        return self._kubelet.outcome(deployment["metadata"]["name"], template)

    def _clean(self, service: Resource, kept: list[Mapping[str, Any]]) -> None:
        """Delete the Deployments of predictors that are gone."""
        namespace, name = (service["metadata"][key] for key in ("namespace", "name"))
        names = {deployment_name(service, predictor) for predictor in kept}
        path = _deployments(namespace)
        found = self._cluster.request("GET", f"{path}?labelSelector={SERVICE}={name}")
        for deployment in found["items"]:
            gone = deployment["metadata"]["name"]
            if gone not in names:
                self._cluster.request("DELETE", f"{path}/{gone}")
                if self._kubelet is not None:
                    self._kubelet.end(gone)


def _deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def deployment_name(service: Resource, predictor: Mapping[str, Any]) -> str:
    """Return the name of a predictor's Deployment and Kubernetes Service."""
    slot = predictor.get("name")
    return "-".join(filter(None, (service["metadata"]["name"], slot, "predictor")))


def _deployment(name: str, namespace: str, pods: Resource) -> Resource:
    labels = pods["metadata"]["labels"]
    pods["metadata"]["labels"] = {**labels, "app": f"isvc.{name}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {SERVICE: labels[SERVICE], **COMPONENT},
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": f"isvc.{name}"}},
            "template": pods,
        },
    }


def _available(deployment: Resource) -> bool:
    status = deployment.get("status") or {}
    return bool(status.get("availableReplicas"))


def _conditions(*, ready: bool, reason: str) -> list[Resource]:
    told = "True" if ready else "False" if reason else "Unknown"
    kinds = ("PredictorReady", "IngressReady", "Ready")
    return [condition(kind, told, "" if ready else reason) for kind in kinds]


def _model_status(*, ready: bool) -> Resource:
    state = "Loaded" if ready else "Pending"
    return {
        "transitionStatus": "UpToDate" if ready else "InProgress",
        "states": {"activeModelState": state, "targetModelState": state},
    }
