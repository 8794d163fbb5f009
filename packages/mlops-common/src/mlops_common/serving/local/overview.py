"""How a service of this machine is doing, for those who ask."""

from mlops_common.processes import LOOPBACK
from mlops_common.refs import EndpointRef
from mlops_common.serving.base import ServiceSpec, ServiceStatus
from mlops_common.serving.local.records import Desired, Status
from mlops_common.serving.local.state import ServiceFolder


def reference(spec: ServiceSpec, port: int) -> EndpointRef:
    """Return the pointer to a version at a port of this machine."""
    url = f"http://{LOOPBACK}:{port}"
    return EndpointRef(name=spec.name, url=url, model=spec.model)


def overview(service: ServiceFolder) -> ServiceStatus:
    """Return how a service is doing."""
    desired = service.desired()
    status = service.status() or Status(supervisor=0)
    front = desired.serving or 0
    staged = desired.staged or 0
    endpoint = None
    if front and desired.port:
        endpoint = reference(service.spec(front), desired.port)
    private = None
    canary = status.revisions.get(staged)
    if canary is not None and canary.state == "ready":
        private = reference(service.spec(staged), canary.port)
    running = status.answers(front)
    return ServiceStatus(
        running=running,
        endpoint=endpoint,
        staged=private,
        restarts=_restarts(status, front),
        problem="" if running else _problem(service, desired, status),
        percent=status.share(staged),
        canary_restarts=_restarts(status, staged),
    )


def _restarts(status: Status, revision: int) -> int:
    report = status.revisions.get(revision)
    return max(0, report.starts - 1) if report else 0


def _problem(service: ServiceFolder, desired: Desired, status: Status) -> str:
    if desired.serving is None:
        return "no version was promoted"
    if not status.supervisor:
        return "it is stopped"
    if status.problem:
        return status.problem
    report = status.revisions.get(desired.serving)
    if report is not None and report.state == "failed":
        return f"it failed {report.starts} times; see {service.log(desired.serving)}"
    return "it is starting"
