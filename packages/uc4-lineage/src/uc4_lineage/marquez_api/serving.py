"""The server of the API, in the foreground of whoever starts it."""

import errno
import gc
import ipaddress
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlops_common.errors import BackendError, ConfigError
from mlops_common.processes import LOOPBACK

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from mlops_common.bootstrap import Platform

PORT = 5000  # that of Marquez
BACKLOG = 2048
KEEP_ALIVE = 65  # seconds
FINISH = 15  # seconds to answer the requests that were begun


def serve(
    platform: "Platform",
    host: str = LOOPBACK,
    port: int | None = None,
    api_key: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Answer OpenLineage producers and Marquez' clients until a signal ends it.

    Args:
        platform: Its embedded store keeps the lineage.
        host: Address to listen at. One that other machines reach needs a key.
        port: To listen at; when omitted 5000, or any free one if that is taken.
        api_key: What clients must send, as `Authorization: Bearer KEY`.
        tell: Called with the server's URL as soon as it answers.

    Raises:
        ConfigError: The settings keep no lineage in PostgreSQL, the address is open to
            other machines and there is no key, or it is none.
        BackendError: The port is taken, or PostgreSQL does not answer.
    """
    check(host, api_key)
    if not platform.settings.lineage.embedded:
        raise ConfigError(
            "the API serves the lineage in PostgreSQL, which lineage.embedded switches "
            "off; set it to true"
        )
    with listening(host, port) as listener:
        app = _application(platform, host, api_key)
        if platform.lineage is not None:
            platform.lineage.start()
        run(app, listener, tell)


def run(
    app: "FastAPI", listener: socket.socket, tell: Callable[[str], None] | None = None
) -> None:
    """Answer the requests that come to a socket until a signal ends it.

    Args:
        app: What answers.
        listener: The socket.
        tell: Called with the server's URL before it answers.
    """
    server = _server(app)
    gc.collect()
    gc.freeze()  # what is loaded by now stays: no need to look at it again
    if tell is not None:
        tell(url(listener))
    with suppress(KeyboardInterrupt):  # uvicorn raises it again, when all is done
        server.run(sockets=[listener])


def check(host: str, api_key: str | None) -> None:
    """Complain about a server that anyone could read and write.

    Raises:
        ConfigError: Other machines reach the address, and there is no key.

    Examples:
        >>> check("127.0.0.1", None)
        >>> check("0.0.0.0", None)
        Traceback (most recent call last):
        mlops_common.errors.ConfigError: other machines reach 0.0.0.0, so that ...
    """
    if api_key is not None and not api_key:
        raise ConfigError("the key of the API is empty; give it some characters")
    if api_key is None and not is_loopback(host):
        raise ConfigError(
            f"other machines reach {host}, so that the API needs a key there; give one "
            f"(--api-key-file), or listen at {LOOPBACK}"
        )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address.

    Examples:
        >>> [is_loopback(host) for host in ("localhost", "::1", "0.0.0.0", "db")]
        [True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        ConfigError: No machine has such a name.
        BackendError: The port is taken, or the address is not this machine's.
    """
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"cannot listen at {host}: expected an address of this machine, such as "
            f"{LOOPBACK}, found: {error} (--host)"
        ) from error
    ports = (PORT, 0) if port is None else (port,)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    problem: OSError | None = None
    for each in ports:
        try:
            return socket.create_server((host, each), family=family, backlog=BACKLOG)
        except OSError as error:
            problem = error
    code = problem.errno if problem is not None and problem.errno else 0
    option = "--host" if code == errno.EADDRNOTAVAIL else "--port"
    raise BackendError(
        f"cannot listen at {host}, port {ports[0]}: {os.strerror(code)}; "
        f"choose another ({option})"
    ) from problem


def url(listener: socket.socket) -> str:
    """Return the URL of a socket's server."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _application(platform: "Platform", host: str, api_key: str | None) -> "FastAPI":
    from uc4_lineage.marquez_api.application import application

    store = platform.lineage_store
    store.connect().close()  # a server that cannot answer does not start
    hosts = None if api_key else {LOOPBACK, "localhost", "[::1]", host}
    return application(store, api_key, hosts=hosts, platform=platform)


def _server(app: "FastAPI") -> "uvicorn.Server":
    import uvicorn

    options: dict[str, Any] = {"log_level": "warning", "access_log": False}
    config = uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="on",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=FINISH,
        **options,
    )
    return uvicorn.Server(config)
