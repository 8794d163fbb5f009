"""How Prefect is: the installed version, and the API that records the runs."""

from importlib.metadata import version
from pathlib import Path

from mlops_common import web
from mlops_common.deployments import POOL
from mlops_common.errors import BackendError, ConfigError
from mlops_common.health import Health, found
from mlops_common.orchestration.deployments.deploying import refusal
from mlops_common.orchestration.server.api import Api, configured
from mlops_common.orchestration.server.process import server_url
from mlops_common.params import masked

LEAST = (3, 8)
OK, ABSENT = 200, 404


def examine(home: Path) -> Health:
    """Tell whether the configured API admits us, and whether a worker could run.

    Raises:
        ConfigError: The installed Prefect is too old, or the key is not accepted.
        BackendError: The API cannot be reached.
    """
    installed = version("prefect")
    if numbers(installed) < LEAST:
        raise ConfigError(f"Prefect {installed} is too old; install 3.8 or later")
    api = configured()
    if api is None:
        url = server_url(home)
        state = "running" if url else "starts when it is needed"
        where = url or f"a server of {home}"
        return Health("embedded", where, installed, facts=(state,))
    return _configured(api, installed)


def numbers(text: str) -> tuple[int, ...]:
    """Return major and minor of a version.

    Examples:
        >>> numbers("3.8.8")
        (3, 8)
    """
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _configured(api: Api, installed: str) -> Health:
    where = masked(api.url)
    pool = web.request(f"{api.url}/work_pools/{POOL}", headers=api.headers)
    if pool.refused:
        raise refusal(api.url, pool.status)
    if pool.status not in {OK, ABSENT}:
        raise BackendError(f"{where} answers {pool.status}; check PREFECT_API_URL")
    answer = web.request(f"{api.url}/admin/version", headers=api.headers)
    server = str(answer.json()) if answer.status == OK else ""
    remedies = []
    if server and numbers(server) < LEAST:
        remedies.append(
            f"the server's version {server} is older than 3.8, which `pull: []` in "
            "prefect.yaml needs; update it"
        )
    if pool.status == ABSENT:
        remedies.append(
            f"there is no work pool {POOL!r}, so that no deployment can run; make it "
            f"with `prefect work-pool create {POOL} --type process`"
        )
    facts = (f"client {installed}",)
    return found(where, version=server, facts=facts, remedies=tuple(remedies))
