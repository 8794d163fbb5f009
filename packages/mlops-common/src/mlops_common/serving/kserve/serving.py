"""Serving on a Kubernetes cluster, by KServe."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from mlops_common import progress
from mlops_common.errors import ConfigError, MlopsError, NotFoundError, RefusedError
from mlops_common.health import Health
from mlops_common.refs import EndpointRef
from mlops_common.sections import KserveSettings
from mlops_common.serving.base import ServiceSpec, ServiceStatus
from mlops_common.serving.kserve import health
from mlops_common.serving.kserve.addresses import Addresses
from mlops_common.serving.kserve.cluster import Cluster
from mlops_common.serving.kserve.readiness import PAUSE, Readiness
from mlops_common.serving.kserve.resource import ServiceResource, State
from mlops_common.serving.kserve.rollout import Rollout, Version
from mlops_common.serving.kserve.status import newest_revision
from mlops_common.serving.kserve.turn import Turn, this_process

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

MARGIN = 300.0  # seconds to look at a staged version before another may take its place
ALL = 100


class KserveServing:
    """Services as InferenceServices of a cluster.

    Args:
        settings: Which cluster, and how services run there.
        client: Another way to the cluster.
        holder: Who deploys: this process, unless said otherwise.
        pause: Seconds between two looks at what is waited for.
    """

    def __init__(
        self,
        settings: KserveSettings,
        *,
        client: "ApiClient | None" = None,
        holder: str = "",
        pause: float = PAUSE,
    ) -> None:
        self.cluster = Cluster(settings, client)
        self._settings = settings
        self._holder = holder or this_process()
        self._pause = pause
        # What this object staged, so that it promotes nothing else.
        self._staged: dict[str, str] = {}

    def stage(self, spec: ServiceSpec) -> EndpointRef:
        """Start a version beside the one that serves; it gets no traffic yet."""
        version = Version.new(spec)
        resource = self.cluster.service(spec.name, spec.namespace)
        resource.target.check(version)
        turn = self._turn(resource)
        turn.take()
        try:
            state = self._start(resource, version)
        except BaseException:
            turn.give_up()
            raise
        self._staged[spec.name] = version.slot
        return self._addresses(resource).staged(state, version)

    def split(self, name: str, percent: int) -> EndpointRef:
        """Let the staged version answer a share of the requests at the stable URL."""
        if not 0 <= percent <= ALL:
            raise ConfigError(f"a share is between 0 and 100 percent; found {percent}")
        resource = self.cluster.service(name)
        with self._turn(resource):
            found = resource.state().rollout
            version = self._staged_here(found, name)
            if found.promoted is None:
                raise NotFoundError(
                    f"service {name!r} has no promoted version to share requests with; "
                    "promote the staged one"
                )
            self.cluster.check_split(resource.target)
            self._change(resource, version, lambda old: old.with_percent(percent))
            state = self._ready(resource).split(version, percent)
        return self._addresses(resource).staged(state, version)

    def promote(self, name: str) -> EndpointRef:
        """Give the stable URL to the staged version; no request is dropped."""
        resource = self.cluster.service(name)
        with self._turn(resource):
            version = self._staged_here(resource.state().rollout, name)
            state = self._promote(resource, version)
        self._staged.pop(name, None)
        return self._addresses(resource).stable(state, version)

    def discard(self, name: str) -> None:
        """Stop the staged version, if there is one; not that of another deploy."""
        resource = self.cluster.service(name)
        staged = resource.state().rollout.staged
        ours = self._staged.pop(name, staged.slot if staged else "")
        if staged is not None and staged.slot == ours:
            _withdraw(resource, staged)
        self._turn(resource).give_up()

    def roll_back(self, name: str) -> EndpointRef:
        """Give the stable URL back to the version promoted before.

        That version is started anew: KServe keeps the manifest of no earlier one.
        """
        resource = self._known(name)
        with self._turn(resource):
            previous = resource.state().rollout.previous
            if previous is None:
                raise NotFoundError(
                    f"service {name!r} has no version promoted before this one; deploy "
                    "the one that is wanted"
                )
            version = Version.new(previous.spec)
            self._start(resource, version)
            state = self._promote(resource, version)
        self._staged.pop(name, None)
        return self._addresses(resource).stable(state, version)

    def delete(self, name: str) -> None:
        """Stop the service and forget it with all its versions; absent is no error."""
        resource = self.cluster.service(name)
        state = resource.state()
        if state.service is not None and state.rollout.empty:
            raise RefusedError(
                f"the InferenceService {name!r} in {resource.target.namespace!r} was "
                "not deployed by this platform; delete it by what deployed it"
            )
        with self._turn(resource):
            resource.delete()
        self._staged.pop(name, None)

    def endpoint(self, name: str) -> EndpointRef:
        """Return the promoted version once it answers; restart what had stopped."""
        resource = self._known(name)
        rollout = resource.state().rollout
        version = rollout.promoted
        if version is None:
            raise NotFoundError(f"service {name!r} has no promoted version")
        if rollout.stopped:
            resource.change(Rollout.started)
        with progress.step(f"Wait for {name}"):
            state = self._ready(resource).serving(version)
        return self._addresses(resource).stable(state, version)

    def status(self, name: str) -> ServiceStatus:
        """Tell how a service is doing, and change nothing."""
        resource = self._known(name)
        state, addresses = resource.state(), self._addresses(resource)
        promoted, staged = state.rollout.promoted, state.rollout.staged
        ready = self._ready(resource)
        answers = promoted is not None and ready.answers(state)
        endpoint = private = None
        with suppress(MlopsError):
            endpoint = addresses.stable(state, promoted) if promoted else None
        with suppress(MlopsError):
            if staged is not None and ready.is_staged(state, staged):
                private = addresses.staged(state, staged)
        return ServiceStatus(
            running=answers,
            endpoint=endpoint,
            staged=private,
            problem="" if answers else ready.problem(state),
            percent=state.rollout.percent,
        )

    def stop(self, name: str) -> None:
        """Stop the service and what is staged; `endpoint` starts it again."""
        resource = self._known(name)
        self._staged.pop(name, None)
        with progress.step(f"Stop {name}"):
            before = resource.change(Rollout.ended)
            if before.rollout.promoted is not None:
                self._ready(resource).stopped(before.rollout.promoted)
        self._turn(resource).give_up()

    def health(self) -> Health:
        """Tell what the cluster can do, and what its administrator must grant."""
        return health.examine(self._settings)

    def names(self) -> list[str]:
        """Return the names of the services with a version to run, sorted."""
        return self.cluster.names()

    def _start(self, resource: ServiceResource, version: Version) -> State:
        """Stage a version and wait until it is ready; take it away if it is not."""
        model = version.spec.model
        try:
            before = resource.change(lambda found: found.with_staged(version))
            with progress.step(f"Start {resource.target.name} version {model.version}"):
                newest = newest_revision(before.service)
                return self._ready(resource).staged(version, newest)
        except BaseException:
            with suppress(MlopsError):
                _withdraw(resource, version)
            raise

    def _promote(self, resource: ServiceResource, version: Version) -> State:
        """Give a staged version every request; put things back if that fails."""
        before = self._change(resource, version, Rollout.with_promotion)
        try:
            with progress.step(f"Promote {resource.target.name}"):
                return self._ready(resource).promoted(version)
        except BaseException:
            with suppress(MlopsError):
                resource.change(
                    lambda found: before.rollout if found.promoted == version else found
                )
            raise

    def _change(
        self,
        resource: ServiceResource,
        version: Version,
        changed: Callable[[Rollout], Rollout],
    ) -> State:
        """Change the service if the version is still the staged one."""

        def checked(found: Rollout) -> Rollout:
            if found.staged is None or found.staged.slot != version.slot:
                raise _replaced(resource.target.name)
            return changed(found)

        return resource.change(checked)

    def _staged_here(self, rollout: Rollout, name: str) -> Version:
        """Return the staged version, if it is not another deploy's.

        Raises:
            NotFoundError: Nothing is staged.
            RefusedError: What this object staged was replaced.
        """
        if rollout.staged is None:
            raise NotFoundError(
                f"nothing is staged for service {name!r}; stage a version first"
            )
        if rollout.staged.slot != self._staged.get(name, rollout.staged.slot):
            raise _replaced(name)
        return rollout.staged

    def _known(self, name: str) -> ServiceResource:
        """Return a service that exists.

        Raises:
            NotFoundError: There is none that this platform deployed.
        """
        resource = self.cluster.service(name)
        if resource.state().rollout.empty:
            known = ", ".join(self.names()) or "none"
            raise NotFoundError(
                f"no service {name!r} of ours in namespace "
                f"{resource.target.namespace!r}; known: {known}"
            )
        return resource

    def _turn(self, resource: ServiceResource) -> Turn:
        target, seconds = resource.target, self._settings.timeout + MARGIN
        return Turn(
            self.cluster.api, target.namespace, target.name, self._holder, seconds
        )

    def _ready(self, resource: ServiceResource) -> Readiness:
        return Readiness(
            self.cluster.api, resource, self._settings.timeout, self._pause
        )

    def _addresses(self, resource: ServiceResource) -> Addresses:
        return Addresses(resource.target, self._settings.url or "")


def _withdraw(resource: ServiceResource, version: Version) -> None:
    """Take a staged version away, if it is still there."""

    def without(found: Rollout) -> Rollout:
        if found.staged is None or found.staged.slot != version.slot:
            return found
        return found.without_staged()

    resource.change(without)


def _replaced(name: str) -> RefusedError:
    return RefusedError(
        f"the version of {name!r} that was staged here was replaced by another "
        "deploy; stage it again",
        {"service": name},
    )
