"""Where runs are recorded: those without a configured API get a server of their own.

Prefect's own profiles and variables decide where runs are recorded: Prefect Cloud,
a server in the cluster, or any other. Where they name none, a Prefect server runs on
this machine, on loopback, with its history in the platform's PostgreSQL: an ephemeral
one would cost 20 s a run and forget everything.
"""

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlops_common.errors import BackendError, MlopsError
from mlops_common.files import has_room, no_room
from mlops_common.orchestration.server.api import configured
from mlops_common.orchestration.server.draining import drain
from mlops_common.orchestration.server.process import server_process, start_server
from mlops_common.orchestration.server.variables import quiet
from mlops_common.params import masked

if TYPE_CHECKING:
    from httpx import HTTPError

    from mlops_common.bootstrap import Platform

__all__ = ["orchestrated", "quiet"]

REACH_TIMEOUT = 5.0  # seconds for another's API to answer
OWN_RETRIES = 3  # of a request that our server fails: 14 s, not the usual minute


@contextmanager
def orchestrated(platform: "Platform") -> Iterator[str]:
    """Record the block's runs at the configured Prefect API, else at our server.

    Yields:
        The URL of the API in use.

    Raises:
        ConfigError: The home folder cannot be made, or PostgreSQL does not admit us.
        BackendError: The configured API cannot be reached, or our server did not
            start; says where its log is. Or it failed during the block. Or the disk
            of the home folder has no room for a run.
    """
    quiet()
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    home = platform.settings.home
    if not has_room(home):
        raise no_room(home)
    elsewhere = configured()
    if elsewhere is not None:
        _reach(elsewhere.url)
    url = start_server(platform) if elsewhere is None else elsewhere.url
    # A heartbeat thread holds every flow for a second at its end.
    updates: dict[Any, Any] = {
        PREFECT_API_URL: url,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    if elsewhere is None:
        updates[PREFECT_CLIENT_MAX_RETRIES] = OWN_RETRIES
    with (
        temporary_settings(updates),
        _drained(),
        _translated(home, url, own=elsewhere is None),
    ):
        yield url


@contextmanager
def _drained() -> Iterator[None]:
    """Let no end of a process wait for an API that is gone."""
    try:
        yield
    finally:
        drain()


@contextmanager
def _translated(home: Path, url: str, *, own: bool) -> Iterator[None]:
    """Turn errors of Prefect's API into ours, or into what ended the run before.

    On a full disk many a system fails, each with a reason of its own.

    Raises:
        BackendError: The API failed, the disk is full, or the home was deleted.
    """
    # Prefect's client, and with it Prefect, raises the errors of this library.
    from httpx import HTTPError

    try:
        yield
    except Exception as error:
        known = isinstance(error, MlopsError) and not isinstance(error, BackendError)
        if not known and not has_room(home):
            raise no_room(home) from error
        log = server_process(home).log
        if own and not known and not log.is_file():
            raise BackendError(
                f"the home folder {home} was deleted in the middle of the run; run "
                "again, and delete it with `mlops reset`, which ends what uses it"
            ) from error
        if not isinstance(error, HTTPError):
            raise
        ended = _ended_by(error)
        if ended is not None:
            raise ended from None
        raise BackendError(
            f"the Prefect API at {masked(url)} failed in the middle of the run: "
            f"{masked(_reason(error))}; check that it runs"
            f"{f' (its log: {log})' if own else ''}, then run again"
        ) from error


def _reason(error: "HTTPError") -> str:
    """Return what failed, without the advice and the address that its library adds."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code} {response.reason_phrase}"
    return str(error).partition("\n")[0] or type(error).__name__


def _ended_by(error: BaseException) -> MlopsError | None:
    """Return the error of ours that could not be recorded, if there is one."""
    before = error.__context__
    while before is not None and not isinstance(before, MlopsError):
        before = before.__context__
    return before


def _reach(url: str) -> None:
    """Check that a configured API answers, be it to ask who we are.

    Raises:
        BackendError: Nobody answers.
    """
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    try:
        with urllib.request.urlopen(f"{bare}/health", timeout=REACH_TIMEOUT):  # noqa: S310 - the user's own setting
            return
    except urllib.error.HTTPError as error:
        error.close()
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            return
        raise BackendError(
            f"PREFECT_API_URL names {masked(url)}, where no Prefect API can be "
            f"reached: {masked(str(reason))}; start it, or remove PREFECT_API_URL from "
            "the environment and from the profile (`prefect config unset "
            "PREFECT_API_URL`) to record runs at a server of this home"
        ) from error
