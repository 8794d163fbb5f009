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
    template,
)
from mlops_common.testing.kubernetes import Cluster

ALL = 100
SLOT = "mlops/slot"
MERGE = "application/merge-patch+json"


class Standard:
    """Makes Deployments, and lets their pods start or fail.

    Args:
        cluster: The API server.
        fate: Which models do not load.
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
        reason = self._fate(template(service, spec["predictor"])) or ""
        ready = _available(main)
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

    def routes(self, service: Resource, status: Resource) -> dict[str, dict[str, int]]:
        """Return which slots are behind which Kubernetes Service, by weight."""
        spec, namespace = service["spec"], service["metadata"]["namespace"]
        canaries = spec.get("canary") or []
        told = status.get("canaryStatuses") or []
        shares = {c["name"]: c["trafficPercent"] for c in told if c["ready"]}
        stable = spec["predictor"]["annotations"][SLOT]
        everything = {stable: ALL - sum(shares.values()), **shares}
        predictors = [spec["predictor"], *(c["predictor"] for c in canaries)]
        return {
            f"{namespace}/{service['metadata']['name']}": everything,
            **{
                f"{namespace}/{_name(service, predictor)}": {
                    predictor["annotations"][SLOT]: ALL
                }
                for predictor in predictors
            },
        }

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
        name, namespace = (
            deployment_name(service, predictor),
            service["metadata"]["namespace"],
        )
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
        """Play the kubelet: the pods run, or crash."""
        generation = deployment["metadata"]["generation"]
        reason = self._fate(deployment["spec"]["template"])
        counts = {"replicas": 1, "updatedReplicas": 1}
        if reason is None:
            status: Resource = {**counts, "unavailableReplicas": 1}
        elif reason:
            crashed = {
                "type": "Progressing",
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
                "message": reason,
            }
            counts |= {"unavailableReplicas": 1}
            status = {**counts, "conditions": [crashed]}
        elif self._answers(deployment):
            status = {**counts, "readyReplicas": 1, "availableReplicas": 1}
        else:
            status = {**counts, "unavailableReplicas": 1, "availableReplicas": None}
        status |= {"observedGeneration": generation}
        self._cluster.request("PATCH", f"{path}/status", {"status": status}, kind=MERGE)

    def _answers(self, deployment: Resource) -> bool:
        if self._kubelet is None:
            return True
        name = deployment["metadata"]["name"]
        return self._kubelet.ready(name, deployment["spec"]["template"])

    def _clean(self, service: Resource, kept: list[Mapping[str, Any]]) -> None:
        """Delete the Deployments of predictors that are gone."""
        namespace, name = (service["metadata"][key] for key in ("namespace", "name"))
        names = {deployment_name(service, predictor) for predictor in kept}
        path = _deployments(namespace)
        found = self._cluster.request("GET", f"{path}?labelSelector={SERVICE}={name}")
        for deployment in found["items"]:
            if deployment["metadata"]["name"] not in names:
                gone = deployment["metadata"]["name"]
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
