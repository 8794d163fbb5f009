"""KServe as far as an API server sees it: definitions and its configuration."""

import json
from copy import deepcopy
from typing import Any

from mlops_common.testing.kubernetes import Cluster, custom_resources

SERVICES = "inferenceservices.serving.kserve.io"
HOME = "kserve"
# What KServe can do, by the style in which a version stands beside another.
STYLES: dict[str, dict[str, Any]] = {
    "canary": {},
    "sibling": {"canary": False},
    "revisions": {"knative": True, "mode": "Knative"},
}


def install(
    cluster: Cluster,
    *namespaces: str,
    knative: bool = False,
    canary: bool = True,
    gateway: bool = True,
    mode: str = "Standard",
) -> None:
    """Make an API server that of a cluster with KServe.

    Args:
        cluster: The API server.
        namespaces: Made for services.
        knative: Whether Knative is installed too; it stays.
        canary: Whether this KServe knows `spec.canary`, as from 0.20.
        gateway: Whether it uses the Gateway API.
        mode: Its default deployment mode.
    """
    cluster.apply([_namespace(name) for name in (HOME, *namespaces)])
    cluster.apply(_definitions(canary=canary))
    if knative:
        cluster.apply([_revisions()])
    cluster.apply([configuration(gateway=gateway, mode=mode)])


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _definitions(*, canary: bool) -> list[dict[str, Any]]:
    found = deepcopy(custom_resources("kserve"))
    for definition in found:
        if definition["metadata"]["name"] == SERVICES and not canary:
            schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            del schema["properties"]["spec"]["properties"]["canary"]
    return found


def _revisions() -> dict[str, Any]:
    """Return Knative's revisions, without their schema."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
    }
    names = {"kind": "Revision", "plural": "revisions", "singular": "revision"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "revisions.serving.knative.dev"},
        "spec": {
            "group": "serving.knative.dev",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }


def configuration(*, gateway: bool = True, mode: str = "Standard") -> dict[str, Any]:
    """Return the ConfigMap that KServe's administrator writes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "inferenceservice-config", "namespace": HOME},
        "data": {
            "deploy": json.dumps({"defaultDeploymentMode": mode}),
            "ingress": json.dumps({"enableGatewayApi": gateway}),
        },
    }
