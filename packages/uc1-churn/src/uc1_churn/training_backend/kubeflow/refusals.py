"""What it means when the Kubeflow API does not do what it was asked."""

import json
from typing import Any

from mlops_common.errors import (
    BackendError,
    ConfigError,
    MlopsError,
    NotFoundError,
)

TOKEN = "kubeflow.token_file (or MLOPS_KUBEFLOW__TOKEN)"  # noqa: S105 - names
LONGEST = 300  # characters of an answer that a message shows


def translated(host: str, what: str, error: Exception) -> MlopsError:
    """Return the error of ours for one of the generated client or of its transport.

    Args:
        host: URL of the server, for the message.
        what: What was asked: `submit the run`.
        error: An `ApiException`, or an error of urllib3.

    Returns:
        A `BackendError` where asking again may help.

    Examples:
        >>> error = ConnectionError("refused")
        >>> print(translated("http://kfp:8888", "list the runs", error))
        Kubeflow at http://kfp:8888 cannot list the runs: refused
    """
    status, said = getattr(error, "status", None), _said(error)
    told = f"Kubeflow at {host} cannot {what}: {said}"
    if status is None or status == 0:
        return _transport(told)
    if status in {401, 403}:
        known = "does not know us" if status == 401 else "does not let us"  # noqa: PLR2004
        return ConfigError(
            f"Kubeflow at {host} {known} {what}: {said}; set {TOKEN} to a token that "
            "is valid now, of an account that may create runs in kubeflow.namespace"
        )
    if 300 <= status < 400:  # noqa: PLR2004
        return ConfigError(
            f"Kubeflow at {host} sends us to a login page to {what}; set {TOKEN}, or "
            "let kubeflow.host name the API server behind it"
        )
    if status == 404:  # noqa: PLR2004
        return NotFoundError(f"{told}; check kubeflow.host, and that nobody deleted it")
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004
        return BackendError(told)
    return ConfigError(f"{told}; check the section kubeflow")


def _transport(told: str) -> MlopsError:
    if "CERTIFICATE_VERIFY_FAILED" in told:
        return ConfigError(
            f"{told}; set kubeflow.ca_file to the certificates that sign the server's"
        )
    return BackendError(told)


def _said(error: Any) -> str:
    """Return what the server said, else what the transport did."""
    body = getattr(error, "body", None)
    if not body:
        return str(getattr(error, "reason", None) or error).strip()[:LONGEST]
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        return str(json.loads(text)["message"])[:LONGEST]
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}: {text.strip()[:LONGEST]}"
