"""When a version is ready, and when requests reach it.

A service's own `Ready` tells of the past for a while after a change, and its
`observedGeneration` is that of the Deployment below it. So readiness is looked for
where the version itself is named: at its revision or its Deployment, which carry the
version's annotations.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from mlops_common.errors import BackendError, ContractError
from mlops_common.serving.kserve import diagnosis
from mlops_common.serving.kserve.api import Api
from mlops_common.serving.kserve.manifest import storage_uri
from mlops_common.serving.kserve.modes import KNATIVE_GROUP
from mlops_common.serving.kserve.resource import ServiceResource, State
from mlops_common.serving.kserve.rollout import PREFIX, Version

SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"
ALL = 100
ROUTE = "PredictorRouteReady"
PAUSE = 1.0  # seconds between two looks

Resource = Mapping[str, Any]


class Readiness:
    """Waits for a service's versions.

    Args:
        api: The cluster.
        resource: The service.
        timeout: Seconds for a version to be ready.
        pause: Seconds between two looks.
    """

    def __init__(
        self, api: Api, resource: ServiceResource, timeout: float, pause: float = PAUSE
    ) -> None:
        self._api = api
        self._resource = resource
        self._target = resource.target
        self._timeout = timeout
        self._pause = pause

    def staged(self, version: Version, before: str) -> State:
        """Wait until a version stands ready beside the promoted one.

        Args:
            version: The staged one.
            before: The newest revision before it was staged (Knative).

        Raises:
            BackendError: It failed, or is not ready in time; says why.
            ContractError: The model server refused the model.
        """

        def ready(state: State) -> bool:
            if newest_revision(state.service) == before != "":
                return False
            return self.is_staged(state, version)

        return self._wait(ready, version, "become ready", staged=True)

    def is_staged(self, state: State, version: Version) -> bool:
        """Tell whether a staged version is ready."""
        service = state.sibling or state.service
        if self._target.style == "revisions":
            return self._revision_ready(service, version)
        if not self._deployed(version, staged=True):
            return False
        if self._target.style == "canary" and state.rollout.promoted is not None:
            return _canary_ready(service, version, state.rollout.percent)
        return is_ready(service)

    def split(self, version: Version, percent: int) -> State:
        """Wait until a staged version answers its share of the requests.

        Raises:
            BackendError: It does not.
        """

        def split(state: State) -> bool:
            if self._target.style == "revisions":
                return _share(state.service) == percent
            return _canary_ready(state.service, version, percent)

        return self._wait(split, version, f"get {percent} % of the requests")

    def promoted(self, version: Version) -> State:
        """Wait until a version answers every request.

        Raises:
            BackendError: It does not.
        """

        def promoted(state: State) -> bool:
            service = state.service
            if service is None or not is_ready(service):
                return False
            if self._target.style == "revisions":
                return _share(service) == ALL and self._is_newest(service, version)
            gone = _canary_status(service, version) is None
            return gone and self._deployed(version, staged=False)

        return self._wait(promoted, version, "get every request")

    def serving(self, version: Version) -> State:
        """Wait until the promoted version answers, alone or with a canary.

        Raises:
            BackendError: It does not; says why.
        """
        return self._wait(self.answers, version, "answer")

    def answers(self, state: State) -> bool:
        """Tell whether the promoted version answers at the stable URL."""
        service = state.service
        if service is None or state.rollout.stopped:
            return False
        # A staged version that fails makes the service unready; its route stays.
        beside = state.rollout.staged is not None
        return is_ready(service) or (beside and condition(service, ROUTE) == "True")

    def problem(self, state: State) -> str:
        """Return why the promoted version does not answer."""
        if state.rollout.stopped:
            return "it is stopped"
        version = state.rollout.promoted
        if version is None or state.service is None:
            return "no version was promoted"
        told = diagnosis.account(self._api, self._target, state.service, version)
        return f"it is not ready:\n{told}"

    def stopped(self, version: Version) -> State:
        """Wait until nothing of a service runs.

        Raises:
            BackendError: It runs on.
        """

        def stopped(state: State) -> bool:
            return not is_ready(state.service)

        return self._wait(stopped, version, "stop (KServe can from 0.15 on)")

    def _wait(
        self,
        met: Callable[[State], bool],
        version: Version,
        what: str,
        *,
        staged: bool = False,
    ) -> State:
        end = time.monotonic() + self._timeout
        while True:
            state = self._resource.state()
            service = state.sibling if staged and state.sibling else state.service
            if service is None:
                raise BackendError(f"{self._about(version)} was deleted meanwhile")
            if met(state):
                return state
            if staged:
                self._check(service, version)
            if time.monotonic() > end:
                told = diagnosis.account(self._api, self._target, service, version)
                raise BackendError(
                    f"{self._about(version)} did not {what} in {self._timeout:.0f} s "
                    f"(kserve.timeout):\n{told}"
                )
            time.sleep(self._pause)

    def _check(self, service: Resource, version: Version) -> None:
        """Give up at once where waiting cannot help.

        Raises:
            BackendError: The version failed.
            ContractError: The model server refused the model.
        """
        found = diagnosis.pods(self._api, self._target, version)
        failure = diagnosis.pod_failure(found) or self._given_up(service, version)
        if not failure:
            return
        kind = ContractError if diagnosis.CONTRACT in failure else BackendError
        told = diagnosis.account(self._api, self._target, service, version)
        raise kind(f"{self._about(version)} failed: {failure}\n{told}")

    def _given_up(self, service: Resource, version: Version) -> str:
        if self._target.style == "revisions":
            ours = self._is_newest(service, version)
            return diagnosis.load_failure(service) if ours else ""
        deployment = self._deployment(version, staged=True)
        if not _carries(deployment, version):
            return ""
        failure = diagnosis.deployment_failure(deployment)
        if not failure and "canary" not in service["spec"]:
            failure = diagnosis.load_failure(service)
        return failure

    def _revision_ready(self, service: Resource, version: Version) -> bool:
        component = _component(service)
        created = component.get("latestCreatedRevision", "")
        return (
            created != ""
            and component.get("latestReadyRevision") == created
            and self._is_newest(service, version)
            and is_ready(service)
            and _loaded(service)
        )

    def _is_newest(self, service: Resource, version: Version) -> bool:
        """Tell whether the newest revision is the version's, as far as may be seen."""
        created = _component(service).get("latestCreatedRevision", "")
        namespace = self._target.namespace
        path = f"{KNATIVE_GROUP}/namespaces/{namespace}/revisions/{created}"
        revision = self._api.visible(path) if created else None
        if revision is None:
            return bool(created)
        annotations = revision["metadata"].get("annotations") or {}
        return bool(annotations.get(PREFIX + "slot") == version.slot)

    def _deployment(self, version: Version, *, staged: bool) -> Resource | None:
        name = self._target.workload(version, staged=staged)
        path = f"/apis/apps/v1/namespaces/{self._target.namespace}/deployments/{name}"
        found: Resource | None = self._api.find(path)
        return found

    def _deployed(self, version: Version, *, staged: bool) -> bool:
        """Tell whether the pods of a version run and no others do."""
        deployment = self._deployment(version, staged=staged)
        if deployment is None or not _carries(deployment, version):
            return False
        status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
        return bool(
            status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
            and status.get("updatedReplicas", 0) >= wanted
            and status.get("availableReplicas", 0) >= wanted
            and status.get("replicas", 0) == status.get("updatedReplicas", 0)
        )

    def _about(self, version: Version) -> str:
        model = version.spec.model
        return (
            f"service {self._target.name!r} in namespace {self._target.namespace!r}: "
            f"version {model.version} of {model.name}"
        )


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
    return str(_component(service or {}).get("latestCreatedRevision", ""))


def traffic(service: Resource) -> list[Resource]:
    """Return how requests are shared among revisions (Knative)."""
    return _component(service).get("traffic") or []


def _component(service: Resource) -> Resource:
    components = (service.get("status") or {}).get("components") or {}
    found: Resource = components.get("predictor") or {}
    return found


def _share(service: Resource) -> int:
    """Return the percent of the requests that the newest revision gets."""
    return sum(
        int(target.get("percent") or 0)
        for target in traffic(service)
        if target.get("latestRevision")
    )


def _loaded(service: Resource) -> bool:
    told = (service.get("status") or {}).get("modelStatus") or {}
    return bool(told.get("transitionStatus", "UpToDate") == "UpToDate")


def _canary_status(service: Resource, version: Version) -> Resource | None:
    for found in (service.get("status") or {}).get("canaryStatuses") or []:
        if found["name"] == version.slot:
            status: Resource = found
            return status
    return None


def _canary_ready(service: Resource, version: Version, percent: int = 0) -> bool:
    found = _canary_status(service, version)
    if found is None or not found["ready"]:
        return False
    return bool(found["trafficPercent"] == percent)


def _carries(deployment: Resource | None, version: Version) -> bool:
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
