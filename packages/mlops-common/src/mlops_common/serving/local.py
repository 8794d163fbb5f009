"""Serving on this machine: each service is a supervisor and its model servers."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mlops_common import locks, progress
from mlops_common.errors import ConfigError, NotFoundError, RefusedError
from mlops_common.processes import LOOPBACK, Identity, wait_until
from mlops_common.refs import EndpointRef
from mlops_common.serving.artifact import verified
from mlops_common.serving.base import ServiceSpec, ServiceStatus
from mlops_common.serving.state import Desired, Report, ServiceFolder, Status
from mlops_common.serving.waiting import Wait

# What Kubernetes allows, so that a service can move to a cluster under its name.
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
GRACE = 60.0  # seconds for a service to stop in good order


class LocalServing:
    """Services as processes of this machine, with their files under `root`.

    A service is a supervisor process, which owns the port of the stable URL, and a
    model server for each version that runs. They belong to no caller.

    Args:
        root: Folder of all services.
        port: Port of the first service; 0 takes a free one. It is kept for ever.
        environment: Variables that the processes get besides those of the caller.

    Examples:
        >>> import tempfile
        >>> LocalServing(Path(tempfile.mkdtemp())).names()
        []
    """

    def __init__(
        self, root: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self.root = root.resolve()
        self.port = port
        self._environment = dict(environment or {})
        # What this object staged, so that it promotes nothing else.
        self._staged: dict[str, int] = {}

    def stage(self, spec: ServiceSpec) -> EndpointRef:
        """Start a version beside the one that serves; it gets no traffic yet."""
        verified(spec.model)
        service = self._folder(spec.name)
        with self._deploying(service):
            _check_owner(service)
            self._claim_port(service)
            number = service.add(spec)
            owner = Identity.of(os.getpid())
            service.desire(staged=number, owner=owner)
            self._staged[spec.name] = number
            try:
                with progress.step(f"Start {spec.name} version {spec.model.version}"):
                    report = self._wait(service, number, "ready")
            except BaseException:
                _unstage(service, number)
                raise
        return _reference(spec, report.port)

    def promote(self, name: str) -> EndpointRef:
        """Give the stable URL to the staged version; no request is dropped."""
        service = self._folder(name)
        with self._deploying(service):
            before = service.desired()
            number = before.staged
            if number is None:
                raise NotFoundError(
                    f"nothing is staged for service {name!r}; stage a version first"
                )
            if number != self._staged.get(name, number):
                raise RefusedError(
                    f"the version of {name!r} that was staged here was replaced by "
                    "another deploy; stage it again"
                )
            service.desire(serving=number, staged=None, owner=None)
            try:
                self._wait(service, number, "serving", instead_of=before.serving)
            except BaseException:
                service.desire(serving=before.serving)
                raise
            self._staged.pop(name, None)
        return _reference(service.spec(number), service.desired().port)

    def discard(self, name: str) -> None:
        """Stop the staged version, if there is one; not that of another deploy."""
        service = self._folder(name)
        number = service.desired().staged
        ours = self._staged.pop(name, number)
        if number is not None and number == ours:
            _unstage(service, number)
            wait_until(lambda: _ended(service, number), GRACE)

    def endpoint(self, name: str) -> EndpointRef:
        """Return the promoted version once it answers; restart what had stopped."""
        service = self._known(name)
        number = service.desired().serving
        if number is None:
            raise NotFoundError(f"service {name!r} has no promoted version")
        status = service.status()
        report = status.revisions.get(number) if status else None
        if report is None or not report.answers:
            failed = report.starts if report and report.state == "failed" else -1
            if failed >= 0 and (identity := service.supervisor.identity()):
                identity.signal(signal.SIGHUP)
            with progress.step(f"Restart {name}"):
                self._wait(service, number, "serving", forgiven=failed)
        return _reference(service.spec(number), service.desired().port)

    def status(self, name: str) -> ServiceStatus:
        """Tell how a service is doing, and change nothing."""
        service = self._known(name)
        desired, status = service.desired(), service.status()
        reports = status.revisions if status else {}
        front = reports.get(desired.serving or 0)
        staged = reports.get(desired.staged or 0)
        endpoint = None
        if desired.serving is not None and desired.port:
            endpoint = _reference(service.spec(desired.serving), desired.port)
        private = None
        if desired.staged is not None and staged and staged.state == "ready":
            private = _reference(service.spec(desired.staged), staged.port)
        running = front is not None and front.answers
        return ServiceStatus(
            running=running,
            endpoint=endpoint,
            staged=private,
            restarts=max(0, front.starts - 1) if front else 0,
            problem="" if running else _problem(service, desired, status),
        )

    def stop(self, name: str) -> None:
        """Stop the service and what is staged; `endpoint` starts it again."""
        service = self._known(name)
        self._staged.pop(name, None)
        service.desire(staged=None, owner=None)
        with progress.step(f"Stop {name}"):
            service.supervisor.stop(GRACE)

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

    @contextmanager
    def _deploying(self, service: ServiceFolder) -> Iterator[None]:
        with service.deploying() as ours:
            if not ours:
                raise RefusedError(
                    f"another deploy of service {service.path.name!r} is going on; "
                    "wait until it is done"
                )
            yield

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

    def _wait(
        self,
        service: ServiceFolder,
        number: int,
        state: Literal["ready", "serving"],
        *,
        instead_of: int | None = None,
        forgiven: int = -1,
    ) -> Report:
        wait = Wait(service, number, state, instead_of, forgiven, self._environment)
        return wait.run()


def _reference(spec: ServiceSpec, port: int) -> EndpointRef:
    url = f"http://{LOOPBACK}:{port}"
    return EndpointRef(name=spec.name, url=url, model=spec.model)


def _check_owner(service: ServiceFolder) -> None:
    """Let a living process finish its deploy.

    Raises:
        RefusedError: Another process staged a version and did not promote it yet.
    """
    desired = service.desired()
    owner = desired.owner
    if desired.staged is None or owner is None or owner.pid == os.getpid():
        return
    if owner.alive():
        version = service.spec(desired.staged).model.version
        raise RefusedError(
            f"process {owner.pid} is deploying version {version} of service "
            f"{service.path.name!r}; wait for it, or discard what it staged",
            {"service": service.path.name, "pid": owner.pid, "version": version},
        )


def _ended(service: ServiceFolder, number: int) -> bool:
    status = service.status()
    return status is None or number not in status.revisions


def _unstage(service: ServiceFolder, number: int) -> None:
    if service.desired().staged == number:
        service.desire(staged=None, owner=None)


def _problem(service: ServiceFolder, desired: Desired, status: Status | None) -> str:
    if desired.serving is None:
        return "no version was promoted"
    if status is None:
        return "it is stopped"
    if status.problem:
        return status.problem
    report = status.revisions.get(desired.serving)
    if report is not None and report.state == "failed":
        return f"it failed {report.starts} times; see {service.log(desired.serving)}"
    return "it is starting"
