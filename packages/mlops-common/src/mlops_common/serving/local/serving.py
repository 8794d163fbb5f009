"""Serving on this machine: each service is a supervisor and its model servers."""

import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from mlops_common import locks, progress
from mlops_common.errors import ConfigError, NotFoundError, RefusedError
from mlops_common.health import Health
from mlops_common.processes import Identity, wait_until
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.serving.artifact import checked, verified
from mlops_common.serving.base import ServiceSpec, ServiceStatus
from mlops_common.serving.local.overview import overview, reference
from mlops_common.serving.local.records import Desired, Status
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.serving.local.turn import check_owner, deploying
from mlops_common.serving.local.waiting import Aim, Wait

# What Kubernetes allows, so that a service can move to a cluster under its name.
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
GRACE = 60.0  # seconds for a service to stop in good order
WHOLE = 100  # percent
NOTHING_STAGED: Mapping[str, object] = {"staged": None, "owner": None, "percent": 0}


class LocalServing:
    """Services as processes of this machine, with their files under `root`.

    A service is a supervisor process, which owns the port of the stable URL, a model
    server for each version that runs, and a router while two versions share the
    requests. They belong to no caller.

    Args:
        root: Folder of all services.
        port: Port of the first service; 0 takes a free one. It is kept for ever.
        environment: Variables that the processes get besides those of the caller.
        fetch: Returns the local folder of a model, a copy where it is kept elsewhere;
            by default the folder that its URI names.

    Examples:
        >>> import tempfile
        >>> LocalServing(Path(tempfile.mkdtemp())).names()
        []
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        fetch: Callable[[ModelRef], Path] = verified,
    ) -> None:
        self.root = root.resolve()
        self.port = port
        self._environment = dict(environment or {})
        self._fetch = fetch
        # What this object staged, so that it promotes nothing else.
        self._staged: dict[str, int] = {}

    def stage(self, spec: ServiceSpec) -> EndpointRef:
        """Start a version beside the one that serves; it gets no traffic yet."""
        model = checked(spec.model, self._fetch(spec.model))
        service = self._folder(spec.name)
        with deploying(service):
            check_owner(service)
            self._claim_port(service)
            with progress.step(f"Start {spec.name} version {spec.model.version}"):
                return self._start(service, service.add(spec, model))

    def split(self, name: str, percent: int) -> EndpointRef:
        """Let the staged version answer a share of the requests at the stable URL."""
        if not 0 <= percent <= WHOLE:
            raise ConfigError(
                f"the share of a canary is 0 to {WHOLE} percent, found {percent}"
            )
        service = self._known(name)
        with deploying(service):
            before = service.desired()
            staged = self._staged_here(name, before)
            if before.serving is None:
                raise NotFoundError(
                    f"service {name!r} has no promoted version to share requests with; "
                    "promote one first"
                )
            _forgive_router(service)
            service.desire(percent=percent)
            try:
                status = self._wait(service, Aim.split(staged, before.serving, percent))
            except BaseException:
                service.desire(percent=before.percent)
                raise
        return reference(service.spec(staged), status.revisions[staged].port)

    def promote(self, name: str) -> EndpointRef:
        """Give the stable URL to the staged version; no request is dropped."""
        service = self._folder(name)
        with deploying(service):
            number = self._staged_here(name, service.desired())
            return self._switch(service, number)

    def discard(self, name: str) -> None:
        """Stop the staged version, if there is one; not that of another deploy."""
        service = self._folder(name)
        number = service.desired().staged
        ours = self._staged.pop(name, number)
        if number is not None and number == ours:
            _unstage(service, number)
            wait_until(lambda: _ended(service, number), GRACE)

    def roll_back(self, name: str) -> EndpointRef:
        """Give the stable URL back to the version promoted before; drop the staged."""
        service = self._known(name)
        with deploying(service):
            check_owner(service)
            number = service.desired().previous
            if number is None:
                raise NotFoundError(
                    f"service {name!r} has no version that was promoted before the one "
                    "that serves; there is nothing to roll back to"
                )
            with progress.step(f"Roll back {name}"):
                self._start(service, number)
                return self._switch(service, number)

    def delete(self, name: str) -> None:
        """Stop the service and forget it with all its versions; absent is no error.

        Raises:
            RefusedError: Another process is deploying this service.
            BackendError: A file cannot be deleted.
        """
        service = self._folder(name)
        self._staged.pop(name, None)
        if not service.path.is_dir():
            return
        with deploying(service), progress.step(f"Delete {name}"):
            service.desire(serving=None, previous=None, **NOTHING_STAGED)
            service.supervisor.stop(GRACE)
            service.remove()

    def endpoint(self, name: str) -> EndpointRef:
        """Return the promoted version once it answers; restart what had stopped."""
        service = self._known(name)
        number = service.desired().serving
        if number is None:
            raise NotFoundError(f"service {name!r} has no promoted version")
        status = service.status()
        if status is None or not status.answers(number):
            report = status.revisions.get(number) if status else None
            failed = report.starts if report and report.state == "failed" else -1
            if failed >= 0 and (identity := service.supervisor.identity()):
                identity.signal(signal.SIGHUP)
            with progress.step(f"Restart {name}"):
                self._wait(service, Aim.serving(number), forgiven=failed)
        return reference(service.spec(number), service.desired().port)

    def status(self, name: str) -> ServiceStatus:
        """Tell how a service is doing, and change nothing."""
        return overview(self._known(name))

    def stop(self, name: str) -> None:
        """Stop the service and what is staged; `endpoint` starts it again."""
        service = self._known(name)
        self._staged.pop(name, None)
        service.desire(**NOTHING_STAGED)
        with progress.step(f"Stop {name}"):
            service.supervisor.stop(GRACE)

    def health(self) -> Health:
        """Tell that processes of this machine serve."""
        return Health("embedded", "processes of this machine")

    def names(self) -> list[str]:
        """Return the names of the services with a version to run, sorted."""
        folders = self.root.iterdir() if self.root.is_dir() else iter(())
        services = (ServiceFolder(path) for path in folders if path.is_dir())
        return sorted(s.path.name for s in services if s.desired().wanted())

    def _folder(self, name: str) -> ServiceFolder:
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"a service's name has at most 63 letters a-z, digits and dashes, and "
                f"starts with a letter; found {name!r}"
            )
        return ServiceFolder(self.root / name)

    def _known(self, name: str) -> ServiceFolder:
        service = self._folder(name)
        if not service.exists():
            known = ", ".join(self.names()) or "none"
            raise NotFoundError(f"no service {name!r} in {self.root}; known: {known}")
        return service

    def _staged_here(self, name: str, desired: Desired) -> int:
        """Return the staged revision.

        Raises:
            NotFoundError: There is none.
            RefusedError: It is not the one that this object staged.
        """
        if desired.staged is None:
            raise NotFoundError(
                f"nothing is staged for service {name!r}; stage a version first"
            )
        if desired.staged != self._staged.get(name, desired.staged):
            raise RefusedError(
                f"the version of {name!r} that was staged here was replaced by "
                "another deploy; stage it again"
            )
        return desired.staged

    def _start(self, service: ServiceFolder, number: int) -> EndpointRef:
        """Stage a revision instead of what was staged, and wait until it is ready."""
        owner = Identity.of(os.getpid())
        service.desire(staged=number, owner=owner, percent=0)
        spec = service.spec(number)
        self._staged[spec.name] = number
        try:
            status = self._wait(service, Aim.ready(number))
        except BaseException:
            _unstage(service, number)
            raise
        return reference(spec, status.revisions[number].port)

    def _switch(self, service: ServiceFolder, number: int) -> EndpointRef:
        """Give the stable URL to the staged revision."""
        before = service.desired()
        previous = _previous(service, before, number)
        service.desire(serving=number, previous=previous, **NOTHING_STAGED)
        try:
            self._wait(service, Aim.serving(number, instead_of=before.serving))
        except BaseException:
            service.desire(serving=before.serving, previous=before.previous)
            raise
        spec = service.spec(number)
        self._staged.pop(spec.name, None)
        return reference(spec, service.desired().port)

    def _claim_port(self, service: ServiceFolder) -> None:
        """Give a new service the first port from `self.port` on that no other has."""
        if not self.port or service.desired().port:
            return
        with locks.exclusive(self.root / "ports.lock"):
            others = (path for path in self.root.iterdir() if path.is_dir())
            taken = {ServiceFolder(path).desired().port for path in others}
            port = self.port
            while port in taken:
                port += 1
            service.desire(port=port)

    def _wait(self, service: ServiceFolder, aim: Aim, forgiven: int = -1) -> Status:
        return Wait(service, aim, forgiven, self._environment).run()


def _ended(service: ServiceFolder, number: int) -> bool:
    status = service.status()
    return status is None or number not in status.revisions


def _forgive_router(service: ServiceFolder) -> None:
    """Let a router that was given up be tried again."""

    def failed() -> bool:
        status = service.status()
        router = status.router if status else None
        return router is not None and router.state == "failed"

    if failed() and (identity := service.supervisor.identity()):
        identity.signal(signal.SIGHUP)
        wait_until(lambda: not failed(), GRACE)


def _unstage(service: ServiceFolder, number: int) -> None:
    if service.desired().staged == number:
        service.desire(**NOTHING_STAGED)


def _previous(service: ServiceFolder, before: Desired, number: int) -> int | None:
    """Return the revision to roll back to once `number` has the stable URL.

    A version that is deployed once more does not become its own predecessor.
    """
    if before.serving is None:
        return before.previous
    again = service.spec(before.serving) == service.spec(number)
    return before.previous if again else before.serving
