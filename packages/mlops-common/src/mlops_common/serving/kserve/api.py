"""Requests to the Kubernetes API server, in the words of this package.

A server that is away or overloaded is asked again, with growing pauses, for as long as
the caller is patient: briefly when it never answered, as an address may be wrong, and
long when it did.
"""

import json
import random
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
    RefusedError,
)

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, ApiException

MANAGER = "mlops"  # the owner of the fields that we apply
APPLY = "application/apply-patch+yaml"
FIRST_PATIENCE = 10.0  # seconds for a server that never answered
TIMEOUT = 30  # seconds for an answer; the client ignores fractions
SHORTEST, LONGEST = 0.25, 5.0  # seconds between two tries
UNFIT = "failed to create typed patch object"
WEBHOOK = "admission webhook"


class ConflictError(RefusedError):
    """What was to be written was changed meanwhile, or exists already."""


class RouteError(BackendError):
    """The server does not know the kind of a resource, or not yet: it has begun."""


class Api:
    """The API server's resources, by path.

    Args:
        client: How it is reached.
        patience: Seconds for which a server that has answered may be away.
    """

    def __init__(self, client: "ApiClient", patience: float) -> None:
        self._client = client
        self._patience = patience
        self._met = False

    @property
    def host(self) -> str:
        """Address of the server."""
        return str(self._client.configuration.host)

    def serves(self, group: str) -> bool:
        """Tell whether the server knows a group of resources, such as `/apis/x/v1`."""
        try:
            self._try("GET", group, {}, patient=False)
        except RouteError:
            return False
        return True

    def get(self, path: str, **query: str) -> Any:
        """Return a resource or a list.

        Raises:
            NotFoundError: There is none.
            ConfigError: The token was refused, or may not do this.
            BackendError: The server is away.
        """
        return self._try("GET", path, query)

    def find(self, path: str, **query: str) -> Any:
        """Return a resource; nothing where there is none."""
        try:
            return self.get(path, **query)
        except NotFoundError:
            return None

    def visible(self, path: str, **query: str) -> Any:
        """Return a resource; nothing where there is none or it may not be read."""
        try:
            return self.get(path, **query)
        except (NotFoundError, ConfigError):
            return None

    def apply(
        self, path: str, manifest: Mapping[str, Any], *, show: bool = False
    ) -> Any:
        """Apply a manifest as the manager of its fields; return the resource.

        With a `resourceVersion` in it, the resource must still be that one.

        Args:
            path: Of the resource.
            manifest: Every field that we set.
            show: Whether to change nothing and return what it would become.

        Raises:
            ConflictError: It was changed meanwhile.
            RefusedError: Another manager owns a field that differs; it is named.
            ContractError: The manifest does not fit the resource's schema.
        """
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        if show:
            query |= {"dryRun": "All", "force": "true"}
        return self._try("PATCH", path, query, manifest)

    def create(self, path: str, manifest: Mapping[str, Any]) -> Any:
        """Create a resource.

        Raises:
            ConflictError: It exists already.
        """
        return self._try("POST", path, {"fieldManager": MANAGER}, manifest)

    def replace(self, path: str, manifest: Mapping[str, Any]) -> Any:
        """Replace a resource.

        Raises:
            ConflictError: It is no longer the one whose `resourceVersion` is given.
        """
        return self._try("PUT", path, {"fieldManager": MANAGER}, manifest)

    def delete(self, path: str, version: str = "") -> None:
        """Delete a resource and what belongs to it; absent is no error.

        Args:
            path: Of the resource.
            version: The `resourceVersion` that it must still have, if not any.

        Raises:
            ConflictError: It was changed meanwhile.
        """
        only = {"preconditions": {"resourceVersion": version}} if version else None
        try:
            self._try("DELETE", path, {"propagationPolicy": "Background"}, only)
        except NotFoundError:
            return

    def _try(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        *,
        patient: bool = True,
    ) -> Any:
        """Ask until the server answers or patience ends.

        Args:
            method: Of HTTP.
            path: Of the resource.
            query: Of the URL.
            body: Of the request.
            patient: Whether to wait for a kind that the server does not know.
        """
        began, wait = time.monotonic(), SHORTEST
        while True:
            try:
                answer = self._ask(method, path, query, body)
            except BackendError as error:
                if isinstance(error, RouteError) and not patient:
                    raise
                if time.monotonic() - began > self._current_patience():
                    raise
                time.sleep(wait * random.uniform(0.75, 1))  # noqa: S311 - no secret
                wait = min(LONGEST, 2 * wait)
            else:
                self._met = True
                return answer

    def _current_patience(self) -> float:
        return self._patience if self._met else min(self._patience, FIRST_PATIENCE)

    def _ask(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json"}
        headers["Content-Type"] = APPLY if method == "PATCH" else "application/json"
        try:
            return self._client.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                response_type="object",
                _return_http_data_only=True,
                _request_timeout=TIMEOUT,
            )
        except ApiException as error:
            _raise(error, f"{method} {self.host}{path}")
        except (HTTPError, OSError) as error:
            raise BackendError(
                f"the Kubernetes API server at {self.host} does not answer: {error}"
            ) from error


def _raise(error: "ApiException", asked: str) -> NoReturn:
    """Raise what a refusal means here."""
    details = _details(error)
    message = f"{asked}: {details.get('message') or error.reason or error.status}"
    if WEBHOOK in message:
        raise RefusedError(f"the cluster refused it: {message}") from error
    if error.status == HTTPStatus.CONFLICT:
        raise _conflict(details, message) from error
    if error.status == HTTPStatus.NOT_FOUND and not _names(details):
        raise RouteError(f"the server knows no such resource: {message}") from error
    kinds: dict[int, tuple[type[Exception], str]] = {
        HTTPStatus.UNAUTHORIZED: (
            ConfigError,
            "the Kubernetes API server refused the token, which is wrong or expired; "
            "renew kserve.token (or what the kubeconfig names)",
        ),
        HTTPStatus.FORBIDDEN: (ConfigError, "this account lacks a permission"),
        HTTPStatus.NOT_FOUND: (NotFoundError, "not found"),
        HTTPStatus.BAD_REQUEST: (ContractError, "the manifest does not fit"),
        HTTPStatus.UNPROCESSABLE_ENTITY: (ContractError, "the manifest does not fit"),
    }
    # Server-side apply answers 500 to a field that the schema does not have.
    unfit = UNFIT in message
    known = kinds[HTTPStatus.BAD_REQUEST] if unfit else kinds.get(error.status)
    if known is not None:
        kind, what = known
        raise kind(f"{what}: {message}") from error
    raise BackendError(f"the Kubernetes API server failed: {message}") from error


def _names(details: Mapping[str, Any]) -> bool:
    """Tell whether a refusal is about one resource by its name."""
    return bool((details.get("details") or {}).get("name"))


def _conflict(details: Mapping[str, Any], message: str) -> RefusedError:
    """Tell who owns which field, where that is what conflicts."""
    causes = (details.get("details") or {}).get("causes") or []
    owned = [
        f"{cause.get('field')} ({cause.get('message')})"
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    ]
    if not owned:
        return ConflictError(f"it was changed meanwhile: {message}")
    return RefusedError(
        f"another manager owns what a deploy sets: {'; '.join(owned)}. Let it set the "
        "version, or let it give these fields up",
        {"conflicts": owned},
    )


def _details(error: "ApiException") -> dict[str, Any]:
    """Return the `Status` that the server sent, if it sent one."""
    try:
        found = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
