"""What a predictor becomes below its service: a template of pods, and its fate."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Resource: TypeAlias = dict[str, Any]
# Given a storage URI, why the model does not load; empty if it does.
Fate: TypeAlias = Callable[[str], str]

SERVICE = "serving.kserve.io/inferenceservice"
SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"
COMPONENT = {"component": "predictor"}


def template(service: Resource, predictor: Mapping[str, Any]) -> Resource:
    """Return the pods' template: KServe passes on the annotations of both."""
    annotations = {
        **service["metadata"].get("annotations", {}),
        **predictor.get("annotations", {}),
        SOURCE: predictor["model"]["storageUri"],
    }
    container = {
        "name": "kserve-container",
        "image": "model-server",
        "env": predictor["model"].get("env", []),
    }
    name = service["metadata"]["name"]
    metadata = {"annotations": annotations, "labels": {SERVICE: name, **COMPONENT}}
    return {"metadata": metadata, "spec": {"containers": [container]}}


def source(pods: Mapping[str, Any]) -> str:
    """Return the storage URI of a template."""
    return str(pods["metadata"]["annotations"][SOURCE])


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two templates make the same pods."""
    return essence(one) == essence(other)


def failure(reason: str, revision: str = "") -> Resource:
    """Return a model status that tells of a model which does not load."""
    kind, _, message = reason.partition(": ")
    info = {"reason": kind, "message": message, "exitCode": 1, "location": "pod"}
    if revision:
        info["modelRevisionName"] = revision
    states = {"activeModelState": "Pending", "targetModelState": "FailedToLoad"}
    return {
        "transitionStatus": "BlockedByFailedLoad",
        "lastFailureInfo": info,
        "states": states,
    }


def condition(kind: str, status: str, reason: str = "") -> Resource:
    """Return a condition of a status."""
    told = {"reason": "PredictorNotReady", "message": reason} if reason else {}
    return {"type": kind, "status": status, **told}


def essence(pods: Mapping[str, Any]) -> str:
    """Return what makes a template's pods other than those of another."""
    annotations = pods["metadata"]["annotations"]
    env = pods["spec"]["containers"][0].get("env", [])
    return json.dumps([annotations, env], sort_keys=True)
