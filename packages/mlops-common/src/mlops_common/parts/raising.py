"""`mlops up`: raises the whole platform, and waits until all of it is well."""

from dataclasses import dataclass
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.files import has_room, make_folder, no_room
from mlops_common.orchestration.deployments import deploying, worker
from mlops_common.orchestration.server import api
from mlops_common.orchestration.server.api import Api
from mlops_common.orchestration.server.process import DATABASE
from mlops_common.params import masked
from mlops_common.parts import catalogue, leash
from mlops_common.parts.folder import Plan, PlatformFolder, Progress
from mlops_common.parts.lowering import check_idle, lower
from mlops_common.parts.part import Part
from mlops_common.processes import wait_until
from mlops_common.progress import step

PATIENCE = 300.0  # seconds for one part, on a busy machine
HOPELESS = 3  # failures in a row after which nobody waits any longer
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Raised:
    """What `mlops up` did.

    Attributes:
        started: Names of the parts that did not run before.
        moved: Parts that found their port taken, with the new one.
        deployments: What was registered, as `FLOW/DEPLOYMENT`.
    """

    started: tuple[str, ...]
    moved: dict[str, int]
    deployments: tuple[str, ...]


def up(platform: Platform) -> Raised:
    """Start the whole platform unless it runs; return once all of it is well.

    Raises:
        ConfigError: The home folder cannot be made, or a system does not admit us.
        RefusedError: Flow runs go on, and the settings want another platform.
        BackendError: A part did not get well; those that did go on. Or the configured
            Prefect API cannot be reached; nothing was changed.
    """
    home = platform.settings.home
    if not has_room(home):
        raise no_room(home)
    folder = PlatformFolder(home)
    make_folder(folder.path)
    with folder.turn():
        plan, elsewhere = decided(platform, api.configured())
        if elsewhere is not None:
            deploying.require(elsewhere.url)
        if folder.plan() not in {plan, None}:
            check_idle(folder)
            for _ in lower(folder):
                pass
        if platform.postgres.server is None or not plan.prefect:
            platform.postgres.ensure_database(DATABASE)
        parts = [*catalogue.fixed(platform, plan), *catalogue.services(platform)]
        before = {part.name: part.port() for part in parts}
        ran = {part.name for part in parts if part.identity() is not None}
        folder.decide(plan)
        leash.start_keeper(folder)
        for part in parts:
            await_part(folder, part)
        names = registered(home, elsewhere or api.require(home))
    ports = {part.name: part.port() or 0 for part in parts}
    return Raised(
        started=tuple(part.name for part in parts if part.name not in ran),
        moved={n: p for n, p in ports.items() if before[n] not in {None, p}},
        deployments=names,
    )


def decided(platform: Platform, configured: Api | None) -> tuple[Plan, Api | None]:
    """Return what shall run here, and the Prefect API elsewhere, if there is one.

    Args:
        platform: Where its systems are.
        configured: The configured Prefect API, which may be our own.
    """
    ours, tracking = api.own(platform.settings.home), platform.settings.mlflow
    same = configured and ours and configured.url == ours.url
    elsewhere = None if same else configured
    prefect = masked(elsewhere.url) if elsewhere else ""
    return Plan(prefect=prefect, mlflow=masked(tracking.tracking_uri or "")), elsewhere


def await_part(folder: PlatformFolder, part: Part) -> None:
    """Wait until a part is well.

    Raises:
        BackendError: It failed again and again, or not even that.
    """
    failures = set()

    def progress() -> Progress:
        found = folder.report().parts.get(part.name, Progress())
        if found.state == "failed":
            failures.add(found.problem)
        return found

    def settled() -> bool:
        hopeless = progress().state == "failed" and len(failures) >= HOPELESS
        return part.healthy() or hopeless or not folder.keeper.running()

    if part.healthy():
        return
    with step(f"Start {part.title}"):
        wait_until(settled, PATIENCE, pause=PAUSE)
        if part.healthy():
            return
        problem = progress().problem or f"it is {progress().state}"
        if not folder.keeper.running():
            problem = f"the keeper ended: {folder.keeper.tail(5)}"
        raise BackendError(
            f"{part.title} does not get well: {problem}\nThe other parts go on and "
            f"this one is tried again; `mlops logs {part.name}` shows what it says"
        )


def registered(home: Path, where: Api) -> tuple[str, ...]:
    """Register every installed deployment; wait until a worker would run them."""
    with step("Register the deployments"):
        names = deploying.register(where.url)
    with step("Wait for the worker"):
        worker.await_online(where, home)
    return names
