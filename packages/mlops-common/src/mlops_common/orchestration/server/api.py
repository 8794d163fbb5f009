"""Which Prefect API is meant: the configured one, else the server of the home."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlops_common.errors import ConfigError
from mlops_common.orchestration.server.process import server_address, server_url
from mlops_common.orchestration.server.variables import quiet


@dataclass(frozen=True, slots=True)
class Api:
    """A Prefect API.

    Attributes:
        url: Where it is; may hold a password.
        headers: Of a request, by which it admits us.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def configured() -> Api | None:
    """Return the API that Prefect's profile or variables name, if they do."""
    quiet()
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    if not api.url:
        return None
    if api.key is not None:
        key = api.key.get_secret_value()
        return Api(api.url, {"Authorization": f"Bearer {key}"})
    if api.auth_string is not None:
        pair = b64encode(api.auth_string.get_secret_value().encode()).decode()
        return Api(api.url, {"Authorization": f"Basic {pair}"})
    return Api(api.url)


def at(url: str) -> Api:
    """Return the API of a URL; the key is shown to the configured one alone.

    Args:
        url: Of an API that somebody named.
    """
    known = configured()
    return known if known is not None and known.url == url else Api(url)


def own(home: Path) -> Api | None:
    """Return that of a home's server, whether or not it runs.

    Returns:
        The API; nothing before the first start, which chooses the port.
    """
    address = server_address(home)
    return None if address is None else Api(address)


def locate(home: Path) -> Api | None:
    """Return the configured API, else that of the home's server where it runs."""
    running = server_url(home)
    return configured() or (None if running is None else Api(running))


def require(home: Path) -> Api:
    """Return the configured API, else that of the home's running server.

    Raises:
        ConfigError: There is neither.
    """
    found = locate(home)
    if found is None:
        raise ConfigError(
            f"no Prefect API is configured, and no server of {home} runs; start one "
            "with `mlops up`, or name yours: `prefect config set PREFECT_API_URL=…`"
        )
    return found
