"""One HTTP request to a system's API, with a clear word where nobody answers."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlops_common.errors import BackendError, ConfigError, MlopsError
from mlops_common.params import masked

TIMEOUT = 5.0  # seconds
OK = 200
REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        status: HTTP status.
        body: Bytes of the body.
    """

    status: int
    body: bytes

    @property
    def refused(self) -> bool:
        """Whether the server does not admit us."""
        return self.status in REFUSED

    def json(self) -> Any:
        """Return the body as JSON; nothing where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def request(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    data: bytes | None = None,
    ca_file: Path | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Ask a server, once, by GET or by POST; an error status is an answer too.

    Args:
        url: Address; may hold a password, which no message shows.
        headers: Of the request.
        data: Body, which makes it a POST.
        ca_file: Certificates that sign the server's, instead of the system's.
        timeout: Seconds for each of connecting and reading.

    Raises:
        ConfigError: The address is none of HTTP, or the certificates do not fit.
        BackendError: Nobody answers.
    """
    shown = masked(url)
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"{shown} is no http:// or https:// address")
    asked = urllib.request.Request(url, data=data, headers=dict(headers or {}))  # noqa: S310 - checked above
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    try:
        with urllib.request.urlopen(asked, timeout=timeout, context=context) as got:  # noqa: S310 - checked above
            return Answer(got.status, got.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())
    except (OSError, ValueError, HTTPException) as error:
        raise _unanswered(shown, error) from error


def _unanswered(shown: str, error: Exception) -> MlopsError:
    """Return the error for a request that no server answered."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ConfigError(
            f"{shown} has a certificate that is not trusted: "
            f"{reason.verify_message}; name the certificates that sign it (ca_file)"
        )
    return BackendError(f"{shown} cannot be reached: {masked(str(reason))}")


def healthy(url: str) -> bool:
    """Tell whether a server answers at an address, and says that all is well.

    Examples:
        >>> healthy("http://127.0.0.1:9/health")
        False
    """
    try:
        return request(url).status == OK
    except BackendError:
        return False


def answers(url: str) -> bool:
    """Tell whether a server says anything at an address, be it an error.

    Examples:
        >>> answers("http://127.0.0.1:9/health")
        False
    """
    try:
        request(url)
    except BackendError:
        return False
    return True
