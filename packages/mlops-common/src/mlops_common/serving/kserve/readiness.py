"""When a version is ready, and when requests reach it.

A service's own `Ready` tells of the past for a while after a change, and its
`observedGeneration` is that of the Deployment below it. So readiness is looked for
where the version itself is named: at its revision or its Deployment, which carry the
version's annotations.
"""

import time
from collections.abc import Callable

from mlops_common.errors import BackendError, ContractError
from mlops_common.serving.kserve import diagnosis, status
from mlops_common.serving.kserve.api import Api
from mlops_common.serving.kserve.modes import KNATIVE_GROUP
from mlops_common.serving.kserve.resource import ServiceResource, State
from mlops_common.serving.kserve.rollout import PREFIX, Version
from mlops_common.serving.kserve.status import Resource

ALL = 100
ROUTE = "PredictorRouteReady"
PAUSE = 1.0  # seconds between two looks
LOOKS = 10  # in a row that tell a failure: for a while a status tells of the past


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
            if status.newest_revision(state.service) == before != "":
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
            return status.canary_ready(service, version, state.rollout.percent)
        return status.is_ready(service)

    def split(self, version: Version, percent: int) -> State:
        """Wait until a staged version answers its share of the requests.

        Raises:
            BackendError: It does not.
        """

        def split(state: State) -> bool:
            if self._target.style == "revisions":
                return status.share(state.service) == percent
            return status.canary_ready(state.service, version, percent)

        return self._wait(split, version, f"get {percent} % of the requests")

    def promoted(self, version: Version) -> State:
        """Wait until a version answers every request.

        Raises:
            BackendError: It does not.
        """

        def promoted(state: State) -> bool:
            service = state.service
            if service is None or not status.is_ready(service):
                return False
            if self._target.style == "revisions":
                return status.share(service) == ALL and self._is_newest(
                    service, version
                )
            gone = status.canary(service, version) is None
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
        return status.is_ready(service) or (
            beside and status.condition(service, ROUTE) == "True"
        )

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
            return not status.is_ready(state.service)

        return self._wait(stopped, version, "stop (KServe can from 0.15 on)")

    def _wait(
        self,
        met: Callable[[State], bool],
        version: Version,
        what: str,
        *,
        staged: bool = False,
    ) -> State:
        end, looks = time.monotonic() + self._timeout, 0
        while True:
            state = self._resource.state()
            service = state.sibling if staged and state.sibling else state.service
            if service is None:
                raise BackendError(f"{self._about(version)} was deleted meanwhile")
            if met(state):
                return state
            if staged:
                looks = self._check(service, version, looks)
            if time.monotonic() > end:
                told = diagnosis.account(self._api, self._target, service, version)
                raise BackendError(
                    f"{self._about(version)} did not {what} in {self._timeout:.0f} s "
                    f"(kserve.timeout):\n{told}"
                )
            time.sleep(self._pause)

    def _check(self, service: Resource, version: Version, looks: int) -> int:
        """Give up where waiting cannot help.

        Args:
            service: Tells of the version.
            version: The staged one.
            looks: How often in a row a failure was told until now.

        Returns:
            How often it was now.

        Raises:
            BackendError: The version failed.
            ContractError: The model server refused the model.
        """
        found = diagnosis.pods(self._api, self._target, version)
        failure = diagnosis.pod_failure(found)
        if not failure:
            failure = self._given_up(service, version)
            if not failure or looks + 1 < LOOKS:
                return looks + 1 if failure else 0
        kind = ContractError if diagnosis.CONTRACT in failure else BackendError
        told = diagnosis.account(self._api, self._target, service, version)
        raise kind(f"{self._about(version)} failed: {failure}\n{told}")

    def _given_up(self, service: Resource, version: Version) -> str:
        """Return why KServe gave a version up, as far as it is told of this one."""
        failure = diagnosis.load_failure(service)
        if self._target.style == "revisions":
            return failure if self._is_newest(service, version) else ""
        if "canary" in service["spec"]:
            failure = ""  # it is told of the promoted version
        deployment = self._deployment(version, staged=True)
        if status.carries(deployment, version):
            return diagnosis.deployment_failure(deployment) or failure
        # Without a runtime, for one, nothing is made that could carry it.
        return failure if diagnosis.is_invalid(service) else ""

    def _revision_ready(self, service: Resource, version: Version) -> bool:
        component = status.component(service)
        created = component.get("latestCreatedRevision", "")
        return (
            created != ""
            and component.get("latestReadyRevision") == created
            and self._is_newest(service, version)
            and status.is_ready(service)
            and status.loaded(service)
        )

    def _is_newest(self, service: Resource, version: Version) -> bool:
        """Tell whether the newest revision is the version's, as far as may be seen."""
        created = status.component(service).get("latestCreatedRevision", "")
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
        if deployment is None or not status.carries(deployment, version):
            return False
        return status.is_rolled_out(deployment)

    def _about(self, version: Version) -> str:
        model = version.spec.model
        return (
            f"service {self._target.name!r} in namespace {self._target.namespace!r}: "
            f"version {model.version} of {model.name}"
        )
