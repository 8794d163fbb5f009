"""Which parts a home needs: those whose systems are not configured elsewhere."""

from collections.abc import Iterator

from mlops_common.bootstrap import Platform
from mlops_common.deployments import POOL
from mlops_common.orchestration.deployments import running, worker
from mlops_common.orchestration.server.api import own
from mlops_common.parts.folder import Plan, PlatformFolder
from mlops_common.parts.part import DATABASE, MLFLOW, PREFECT, WORKER, Part
from mlops_common.parts.program import Program
from mlops_common.parts.shared import Database, PrefectServer, Service


def fixed(platform: Platform, plan: Plan) -> Iterator[Part]:
    """Yield the parts that run from the start, each after those that it needs."""
    database = platform.postgres.server
    needs = () if database is None else (DATABASE,)
    if database is not None:
        yield Database(database, platform.settings.postgres.database)
    if not plan.prefect:
        yield PrefectServer(platform, needs)
    if not plan.mlflow:
        yield mlflow_server(platform, needs)
    yield process_worker(platform, plan, needs)


def services(platform: Platform) -> Iterator[Part]:
    """Yield a part for each service that was deployed to this machine."""
    if platform.settings.kserve.external:
        return
    needs = () if platform.postgres.server is None else (DATABASE,)
    for name in platform.serving.names():
        service = Service(platform, name, needs)
        # The first version of a service is its deployer's business.
        if service.folder.desired().serving is not None:
            yield service


def shared(platform: Platform) -> Iterator[Part]:
    """Yield the parts that other commands start too, the users of a part before it."""
    if not platform.settings.kserve.external:
        for name in platform.serving.names():
            yield Service(platform, name)
    yield PrefectServer(platform)
    database = platform.postgres.server
    if database is not None:
        yield Database(database, platform.settings.postgres.database)


def process_worker(platform: Platform, plan: Plan, needs: tuple[str, ...]) -> Program:
    """Return the worker of the local work pool."""
    home = platform.settings.home

    def environment(port: int) -> dict[str, str]:
        found = None if plan.prefect else own(home)
        local = {} if found is None else {"PREFECT_API_URL": found.url}
        return {**platform.environment, **worker.environment(home, port), **local}

    return Program(
        PlatformFolder(home),
        WORKER,
        f"Worker of {POOL}",
        command=lambda _port: worker.command(home),
        environment=environment,
        after=needs if plan.prefect else (*needs, PREFECT),
        prepare=lambda: running.bury(home),
    )


def mlflow_server(platform: Platform, needs: tuple[str, ...]) -> Program:
    """Return the server of MLflow's pages."""
    return Program(
        PlatformFolder(platform.settings.home),
        MLFLOW,
        "MLflow",
        command=lambda port: ("mlops_common.parts.mlflow_server", str(port)),
        environment=lambda _port: platform.environment,
        page=True,
        after=needs,
    )
