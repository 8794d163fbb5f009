"""The manifests of a service: real YAML, of which a few fields are set."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from mlops_common.errors import ConfigError
from mlops_common.refs import ModelRef
from mlops_common.serving.base import SPECS
from mlops_common.serving.kserve.rollout import Block, Rollout, Version

# revisions: Knative keeps the promoted revision beside the newest one.
# canary: Standard mode, with an entry in `spec.canary`.
# sibling: Standard mode of a KServe that knows no canary; a service beside the other.
Style = Literal["revisions", "canary", "sibling"]
Manifest = dict[str, Any]

KNATIVE, STANDARD = "Knative", "Standard"
MODE = "serving.kserve.io/deploymentMode"
TAGS = "serving.kserve.io/enable-tag-routing"
STOP = "serving.kserve.io/stop"
MANAGED = "app.kubernetes.io/managed-by"
SIBLING = "-staged"
LONGEST = 63  # letters of a name in a cluster's DNS
MODELS = "file:///mnt/models"  # where KServe puts the model into the pod
# What KServe's storage initializer can fetch, and does not change under its name.
SCHEMES = frozenset({"s3", "gs", "https", "abfs", "abfss", "hdfs", "webhdfs", "pvc"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how a service is deployed.

    Attributes:
        name: Name of the service.
        namespace: Its Kubernetes namespace.
        style: How a version stands beside the promoted one.
        runtime: ServingRuntime to use; empty lets KServe choose by the model format.
        service_account: Account of the pods; empty for the namespace's own.
    """

    name: str
    namespace: str
    style: Style
    runtime: str = ""
    service_account: str = ""

    @property
    def mode(self) -> str:
        """KServe's name of the deployment mode."""
        return KNATIVE if self.style == "revisions" else STANDARD

    @property
    def sibling(self) -> str:
        """Name of the service that holds a staged version beside."""
        return self.name + SIBLING

    def workload(self, version: Version, *, staged: bool) -> str:
        """Return the name of a version's Deployment and Service (Standard)."""
        if self.style == "canary":
            return f"{self.name}-{version.slot}-predictor"
        return f"{self.sibling if staged else self.name}-predictor"

    def check(self, version: Version) -> None:
        """Check that the names of what will be made are not too long.

        Raises:
            ConfigError: One is.
        """
        longest = self.workload(version, staged=True) + (
            "-00001" if self.style == "revisions" else ""
        )
        if len(longest) > LONGEST:
            raise ConfigError(
                f"the service {self.name!r} needs the name {longest!r} on the cluster, "
                f"which has {len(longest)} letters of {LONGEST}; name it shorter"
            )


def manifests(rollout: Rollout, target: Target) -> list[Manifest]:
    """Return the InferenceServices of a rollout: the service, and perhaps a sibling."""
    makers = {"revisions": _revisions, "canary": _canary, "sibling": _sibling}
    documents = makers[target.style](rollout, target)
    if rollout.stopped:
        for document in documents:
            document["metadata"]["annotations"][STOP] = "true"
    return documents


def read(
    service: Mapping[str, Any] | None, sibling: Mapping[str, Any] | None = None
) -> Rollout:
    """Return the rollout that InferenceServices are of, whatever their style.

    Raises:
        ContractError: Their annotations were altered.
    """
    rollout = Rollout() if service is None else _read(service)
    if sibling is not None and rollout.staged is None:
        block = Block.read(sibling["spec"]["predictor"])
        rollout = replace(rollout, staged=None if block is None else block.version)
    return rollout


def storage_uri(model: ModelRef) -> str:
    """Return the URI by which KServe fetches a model.

    Raises:
        ConfigError: A pod cannot fetch it from where it is.
    """
    if urlsplit(model.uri).scheme not in SCHEMES:
        raise ConfigError(
            f"model {model.name} version {model.version} is at {model.uri}, which a "
            "pod cannot fetch; keep artifacts in the object store (section minio), "
            "so that a version has a URI such as s3://bucket/path"
        )
    return model.uri


def _read(service: Mapping[str, Any]) -> Rollout:
    spec = service["spec"]
    stopped = (service["metadata"].get("annotations") or {}).get(STOP) == "true"
    block = Block.read(spec["predictor"])
    if block is None:
        return Rollout(stopped=stopped)
    canary = (spec.get("canary") or [None])[0]
    if canary is not None:
        found = _settled(block)
        staged = Block.read(canary["predictor"])
        found = replace(
            found,
            staged=None if staged is None else staged.version,
            percent=int(canary["trafficPercent"]),
        )
    else:
        found = _only(block, spec["predictor"].get("canaryTrafficPercent"))
    return replace(found, stopped=stopped)


def _only(block: Block, percent: int | None) -> Rollout:
    """Return the rollout of a service with one predictor."""
    if percent is None:
        return _settled(block)
    own, beside, before = block.version, block.beside, block.before
    if beside is not None and beside.slot == own.slot:
        return Rollout(promoted=own, previous=before, pinned=True)
    return Rollout(promoted=beside, previous=before, staged=own, percent=percent)


def _settled(block: Block) -> Rollout:
    return Rollout(block.version, block.beside, block.before)


def _promoted(rollout: Rollout, version: Version) -> Block:
    return Block(version, rollout.previous, rollout.earlier)


def _staged(rollout: Rollout, version: Version) -> Block:
    return Block(version, rollout.promoted, rollout.previous)


def _revisions(rollout: Rollout, target: Target) -> list[Manifest]:
    """Return the newest revision, and its share beside the one rolled out before."""
    if rollout.staged is not None:
        block = _staged(rollout, rollout.staged)
        percent: int | None = rollout.percent
    elif rollout.promoted is not None and rollout.pinned:
        block = Block(rollout.promoted, rollout.promoted, rollout.previous)
        percent = 0
    elif rollout.promoted is not None:
        block, percent = _promoted(rollout, rollout.promoted), None
    else:
        return []
    document = _service(target.name, target, block)
    document["metadata"]["annotations"][TAGS] = "true"
    if percent is not None:
        document["spec"]["predictor"]["canaryTrafficPercent"] = percent
    return [document]


def _canary(rollout: Rollout, target: Target) -> list[Manifest]:
    """Return the promoted predictor with the staged one as its canary."""
    promoted, staged = rollout.promoted, rollout.staged
    if promoted is None:
        if staged is None:
            return []
        document = _service(target.name, target, _staged(rollout, staged))
        # KServe ignores the field in this mode: it tells us that nothing is promoted.
        document["spec"]["predictor"]["canaryTrafficPercent"] = 0
        return [document]
    document = _service(target.name, target, _promoted(rollout, promoted))
    if staged is not None:
        beside = _service(target.name, target, _staged(rollout, staged))
        predictor = beside["spec"]["predictor"]
        entry = {"trafficPercent": rollout.percent, "predictor": predictor}
        document["spec"]["canary"] = [entry]
    return [document]


def _sibling(rollout: Rollout, target: Target) -> list[Manifest]:
    """Return the promoted version, and the staged one as a service of its own."""
    documents = []
    if rollout.promoted is not None:
        block = _promoted(rollout, rollout.promoted)
        documents.append(_service(target.name, target, block))
    if rollout.staged is not None:
        block = _staged(rollout, rollout.staged)
        documents.append(_service(target.sibling, target, block))
    return documents


def _service(name: str, target: Target, block: Block) -> Manifest:
    """Return an InferenceService with one predictor."""
    document = deepcopy(_template())
    document["metadata"] |= {"name": name, "namespace": target.namespace}
    document["metadata"]["annotations"][MODE] = target.mode
    predictor, spec = document["spec"]["predictor"], block.version.spec
    predictor["annotations"] = block.annotations()
    model = predictor["model"]
    model["storageUri"] = storage_uri(spec.model)
    served = replace(spec, model=spec.model.model_copy(update={"uri": MODELS}))
    model["env"][0]["value"] = SPECS.dump_json(served).decode()
    if target.style == "canary":
        predictor["name"] = block.version.slot
    if target.runtime:
        model["runtime"] = target.runtime
    if target.service_account:
        predictor["serviceAccountName"] = target.service_account
    return document


def _template() -> Manifest:
    file = resources.files("mlops_common.serving") / "manifests/inference_service.yaml"
    document: Manifest = yaml.safe_load(file.read_text("utf-8"))
    return document
