"""Marquez, or anything else that takes events of OpenLineage over HTTP."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from mlops_common.errors import BackendError, ConfigError
from mlops_common.lineage.receivers.base import Event, Refused
from mlops_common.params import masked
from mlops_common.sections import LineageSettings

if TYPE_CHECKING:
    from openlineage.client.transport.http import HttpTransport

TAKEN = range(200, 300)
# Answers that are about the event itself: the same event gets the same answer.
REFUSALS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
STRANGER = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
SHOWN = 300  # characters of an answer


class MarquezReceiver:
    """Sends events one by one: that is all that Marquez takes.

    It does not follow an answer that leads elsewhere: a page that asks for a login
    would count as a receiver that took the event.
    """

    def __init__(self, settings: LineageSettings) -> None:
        """Connect at the first event.

        Args:
            settings: With a `url`.
        """
        self._settings = settings
        # A library that is given a login in a URL logs it with the URL.
        self._url, self._login = _without_login((settings.url or "").rstrip("/") + "/")

    @property
    def name(self) -> str:
        """Of the receiver; another address is another receiver."""
        address = f"{self._url}{self._settings.endpoint}"
        return f"http-{hashlib.sha256(address.encode()).hexdigest()[:12]}"

    @property
    def most(self) -> int:
        """One event a request."""
        return 1

    def take(self, events: Sequence[Event]) -> Sequence[Refused]:
        """Send events.

        Raises:
            BackendError: The server does not answer, or it failed.
            ConfigError: The server does not accept the key, or the URL is no URL.
        """
        refused = []
        for index, event in enumerate(events):
            reason = self._send(event)
            if reason:
                refused.append(Refused(index, reason))
        return refused

    def close(self) -> None:
        """Close the connections."""
        transport = self.__dict__.pop("_transport", None)
        if transport is not None:
            transport.close()

    @cached_property
    def _transport(self) -> "HttpTransport":
        from openlineage.client.transport.http import (
            ApiKeyTokenProvider,
            HttpConfig,
            HttpTransport,
            TokenProvider,
        )

        key = self._settings.secret("api_key")
        config = HttpConfig(
            url=self._url,
            endpoint=self._settings.endpoint.lstrip("/"),
            timeout=self._settings.timeout,
            auth=ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({}),
            retry={"total": 0},  # tried again by whoever keeps the order
        )
        try:
            transport = HttpTransport(config)
        except ValueError:
            raise ConfigError(
                f"lineage.url {masked(self._url)!r} is no URL; expected such as "
                "http://marquez:5000"
            ) from None
        transport.session.max_redirects = 0
        if self._login and not key:
            transport.session.auth = self._login
        return transport

    def _send(self, event: Event) -> str:
        """Send one event; return why it is refused, if it is."""
        transport: Any = self._transport
        try:
            response = transport.emit(dict(event))
        except OSError as error:  # which those of its HTTP library are
            response = getattr(error, "response", None)
            if response is None:
                raise BackendError(
                    f"no answer from {self._address}: {type(error).__name__}; see that "
                    "the receiver of lineage runs and that lineage.url is right"
                ) from None
        return self._refusal(response.status_code, response.text)

    def _refusal(self, status: int, text: str) -> str:
        """Return why an event is refused; any other fault is that of the server.

        Raises:
            BackendError: The server failed, or is none that takes events.
            ConfigError: The server does not accept the key.
        """
        if status in TAKEN:
            return ""
        if status in STRANGER:
            raise ConfigError(
                f"{self._address} does not accept the key (HTTP {status}); set "
                "lineage.api_key_file, or MLOPS_LINEAGE__API_KEY (lineage.api_key)"
            )
        said = masked(text)[:SHOWN].strip()
        if status in REFUSALS or _coded(text) in REFUSALS:
            return f"HTTP {status}: {said}"
        raise BackendError(
            f"{self._address} answered HTTP {status}, expected 201: {said}; see its "
            "log, and that lineage.url and lineage.endpoint are right"
        )

    @property
    def _address(self) -> str:
        return masked(f"{self._url}{self._settings.endpoint}")


def _coded(text: str) -> Any:
    """Return the status that a body names: Marquez says 400 there, and 500 outside.

    That is how it answers an event that it cannot read.
    """
    try:
        said = json.loads(text)
    except ValueError:
        return None
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, int) else None


def _without_login(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a URL without who logs in there, and who that is."""
    try:
        parts = urlsplit(url)
    except ValueError:  # which is told when it is used
        return url, None
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    name, _, password = login.partition(":")
    bare = parts._replace(netloc=host).geturl()
    return bare, (unquote(name), unquote(password))
