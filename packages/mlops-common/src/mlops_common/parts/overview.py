"""How every part of a home is doing: what `mlops status` shows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlops_common.bootstrap import Platform
from mlops_common.errors import MlopsError
from mlops_common.params import masked
from mlops_common.parts import catalogue
from mlops_common.parts.folder import Plan, PlatformFolder, Report
from mlops_common.parts.part import DATABASE, MLFLOW, PREFECT, Part
from mlops_common.parts.shared import Service
from mlops_common.processes import Identity

if TYPE_CHECKING:
    from mlops_common.postgres.database import Postgres
    from mlops_common.serving.base import ServiceStatus

EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one process, or a server of several, is doing.

    Attributes:
        name: Short name, as in `mlops logs NAME`.
        state: `running`, `stopped`, `waiting`, `starting`, `failed` or `external`.
        pid: Number of its process.
        port: Where it listens, on loopback.
        health: `ok`, `silent`, or empty where nothing can be asked.
        memory: Resident memory in MB, that of its children included.
        restarts: How often it was started again.
        problem: What went wrong last, if anything did.
        url: Where people find it.
        detail: Which versions a service answers with.
        log: Path of its log.
    """

    name: str
    state: str
    pid: int | None = None
    port: int | None = None
    health: str = ""
    memory: int | None = None
    restarts: int = 0
    problem: str = ""
    url: str = ""
    detail: str = ""
    log: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)


def overview(platform: Platform) -> list[Row]:
    """Return how every part of the home is doing, the keeper first."""
    folder = PlatformFolder(platform.settings.home)
    tracking = masked(platform.settings.mlflow.tracking_uri or "")
    plan = folder.plan() or Plan(mlflow=tracking)
    report = folder.report()
    rows = [keeper(folder, report), *external(platform, plan)]
    rows += [row(part, report) for part in catalogue.fixed(platform, plan)]
    for part in catalogue.services(platform):
        rows.append(row(part, report))
        if isinstance(part, Service):
            rows += members(part)
    return rows


def keeper(folder: PlatformFolder, report: Report) -> Row:
    """Return how the keeper is doing."""
    identity, wanted = folder.keeper.identity(), folder.plan() is not None
    problem = "it died: `mlops up` starts another" if wanted and not identity else ""
    return Row(
        name="keeper",
        state="running" if identity else "stopped",
        pid=identity.pid if identity else None,
        memory=memory(identity, alone=True),
        restarts=report.keepers - 1,
        problem=problem,
        log=str(folder.keeper.log),
    )


def row(part: Part, report: Report) -> Row:
    """Return how a part is doing, by its process and by what the keeper reports."""
    identity, told = part.identity(), report.parts.get(part.name)
    state = "running" if identity else "stopped"
    health = ""
    if identity is not None:
        health = "ok" if part.healthy() else "silent"
    if told is not None and told.state != "running":
        state = told.state
    return Row(
        name=part.name,
        state=state,
        pid=identity.pid if identity else None,
        port=part.port() if identity else None,
        health=health,
        memory=memory(identity, alone=isinstance(part, Service)),
        restarts=told.restarts if told else 0,
        problem=told.problem.partition("\n")[0] if told else "",
        url=part.url() if identity else "",
        detail=versions(part.status()) if isinstance(part, Service) else "",
        log=str(part.log),
    )


def members(service: Service) -> Iterator[Row]:
    """Yield how the processes of a service are doing: its versions and its router."""
    status = service.folder.status()
    if status is None:
        return
    reports = {str(number): report for number, report in status.revisions.items()}
    logs = {name: service.folder.log(int(name)) for name in reports}
    if status.router is not None:
        reports["router"], logs["router"] = status.router, service.folder.router_log
    for name, report in reports.items():
        identity = identity_of(report.pid) if report.alive else None
        yield Row(
            name=f"{service.name}/{name}",
            state=report.state if identity or report.state == "failed" else "stopped",
            pid=identity.pid if identity else None,
            port=report.port or None,
            memory=memory(identity),
            restarts=max(0, report.starts - 1),
            log=str(logs[name]),
        )


def external(platform: Platform, plan: Plan) -> Iterator[Row]:
    """Yield where the systems are that are configured elsewhere."""
    if platform.postgres.server is None:
        yield database(platform.postgres)
    if plan.prefect:
        yield Row(name=PREFECT, state=EXTERNAL, url=plan.prefect)
    if plan.mlflow:
        yield Row(name=MLFLOW, state=EXTERNAL, url=plan.mlflow)
    if platform.settings.kserve.external:
        for name in platform.serving.names():
            yield remote(name, platform.serving.status(name))


def database(postgres: "Postgres") -> Row:
    """Return whether an external PostgreSQL server can be reached."""
    problem = ""
    try:
        postgres.connect().close()
    except MlopsError as error:
        problem = str(error).partition("\n")[0]
    return Row(
        name=DATABASE,
        state=EXTERNAL,
        health="silent" if problem else "ok",
        problem=problem,
        url=postgres.address,
    )


def remote(name: str, status: "ServiceStatus") -> Row:
    """Return how a service of a cluster is doing."""
    return Row(
        name=name,
        state=EXTERNAL,
        health="ok" if status.running else "silent",
        restarts=status.restarts,
        problem=status.problem,
        url=status.endpoint.infer_url if status.endpoint else "",
        detail=versions(status),
    )


def versions(status: "ServiceStatus") -> str:
    """Return the version that a service answers with, and that of its canary."""
    if status.endpoint is None:
        return ""
    told = f"version {status.endpoint.model.version}"
    if status.percent and status.staged:
        canary = f"version {status.staged.model.version}"
        told += f", {status.percent} % of the requests to {canary}"
    return told


def identity_of(pid: int | None) -> Identity | None:
    """Return a living process of a number."""
    try:
        return None if pid is None else Identity.of(pid)
    except ProcessLookupError:
        return None


def memory(identity: Identity | None, *, alone: bool = False) -> int | None:
    """Return the resident memory of a process in MB, with its children or alone."""
    import psutil

    if identity is None:
        return None
    try:
        own = psutil.Process(identity.pid)
        family = [own] if alone else [own, *own.children(recursive=True)]
    except psutil.Error:
        return None
    total = 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return round(total / 1e6)
