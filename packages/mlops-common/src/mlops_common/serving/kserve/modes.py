"""What the KServe of a cluster can do: its deployment mode, and its canaries."""

import json
from dataclasses import dataclass
from typing import Any

from mlops_common.errors import BackendError, ConfigError, ContractError
from mlops_common.refs import ModelRef
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve.api import Api
from mlops_common.serving.kserve.manifest import (
    KNATIVE,
    MODE,
    STANDARD,
    Style,
    Target,
    manifests,
)
from mlops_common.serving.kserve.rollout import Rollout, Version

GROUP = "serving.kserve.io"
SERVICES = f"/apis/{GROUP}/v1beta1"
KNATIVE_GROUP = "/apis/serving.knative.dev/v1"
CONFIG = "/api/v1/namespaces/{}/configmaps/inferenceservice-config"
# Where KServe, Kubeflow and Open Data Hub put it.
HOMES = ("kserve", "kubeflow", "opendatahub", "redhat-ods-applications")
# KServe's older names of the modes.
NAMES = {"Serverless": KNATIVE, "RawDeployment": STANDARD}


@dataclass(frozen=True, slots=True)
class Capability:
    """What a cluster can do.

    Attributes:
        mode: The deployment mode that services get, `Knative` or `Standard`.
        canary: Whether KServe knows `spec.canary` (from 0.20).
        gateway: Whether the Gateway API splits requests; nothing where it is unknown.
    """

    mode: str
    canary: bool
    gateway: bool | None

    def style(self, service: Any = None) -> Style:
        """Return how a version stands beside another, of a service if it exists."""
        mode = self.mode if service is None else mode_of(service) or self.mode
        if mode == KNATIVE:
            return "revisions"
        return "canary" if self.canary else "sibling"


def mode_of(service: Any) -> str:
    """Return the mode of an existing service; empty where it is not told."""
    annotated = (service["metadata"].get("annotations") or {}).get(MODE)
    told = annotated or (service.get("status") or {}).get("deploymentMode") or ""
    return NAMES.get(told, told)


def detect(api: Api, wanted: str, namespace: str) -> Capability:
    """Find out what the cluster can do.

    Args:
        api: The cluster.
        wanted: `Knative`, `Standard`, or `auto` for the cluster's own default.
        namespace: Where we may apply services.

    Raises:
        BackendError: There is no KServe.
        ConfigError: It cannot do what is wanted.
    """
    if not api.serves(SERVICES):
        raise BackendError(
            f"the cluster at {api.host} has no {GROUP}/v1beta1; install KServe, or "
            "leave the section kserve without a cluster"
        )
    settings = _settings(api)
    knative = api.serves(KNATIVE_GROUP)
    mode = wanted if wanted != "auto" else _default(settings, knative=knative)
    if mode == KNATIVE and not knative:
        raise ConfigError(
            f"kserve.mode is {KNATIVE}, but the cluster at {api.host} has no "
            f"{KNATIVE_GROUP.removeprefix('/apis/')}; set it to {STANDARD}"
        )
    gateway = _read(settings, "ingress").get("enableGatewayApi")
    canary = _knows_canary(api, namespace)
    return Capability(mode, canary, None if settings is None else bool(gateway))


def _settings(api: Api) -> dict[str, str] | None:
    """Return KServe's own configuration, if it may be read."""
    for home in HOMES:
        found = api.visible(CONFIG.format(home))
        if found is not None:
            data: dict[str, str] = found.get("data") or {}
            return data
    return None


def _default(settings: dict[str, str] | None, *, knative: bool) -> str:
    """Return the mode that a service without an annotation gets."""
    told = _read(settings, "deploy").get("defaultDeploymentMode")
    mode = NAMES.get(str(told), told) or KNATIVE
    return str(mode) if knative else STANDARD


def _read(settings: dict[str, str] | None, key: str) -> dict[str, Any]:
    try:
        found = json.loads((settings or {}).get(key) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _knows_canary(api: Api, namespace: str) -> bool:
    """Tell whether `spec.canary` is understood: apply it, but only for show.

    An older KServe refuses the field as unknown, or drops it.
    """
    model = ModelRef(name="m", version=1, run_id="", uri="s3://none/m", digest="")
    spec = ServiceSpec("probe", model, predictor="")
    rollout = Rollout(promoted=Version("v1", spec), staged=Version("v2", spec))
    target = Target("mlops-probe", namespace, "canary")
    manifest = manifests(rollout, target)[0]
    path = f"{SERVICES}/namespaces/{namespace}/inferenceservices/{target.name}"
    try:
        kept = api.apply(path, manifest, show=True)
    except ContractError:
        return False
    return "canary" in kept["spec"]
