"""What a test asks of an API server, without any client library."""

import base64
import json
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from mlops_common.testing.kubernetes import resources
from mlops_common.testing.kubernetes.certificates import SERVICE

PATIENCE = 120.0  # seconds for a route to appear
PAUSE = 0.05
TIMEOUT = 60.0  # seconds for an answer
APPLY = "application/apply-patch+yaml"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


class RequestError(AssertionError):
    """The API server said no.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass
class Cluster:
    """A running API server.

    Attributes:
        folder: Its files; gone when it ends.
        url: Where it listens, on loopback.
        definitions_url: Where custom resources are defined; `url` but for old servers.
        token: Bearer token of the administrator.
    """

    folder: Path
    url: str
    definitions_url: str
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def ca_file(self) -> Path:
        """The certificate that signs the server's."""
        return self.folder / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the administrator."""
        return self.kubeconfig_of(self.token, "admin")

    def kubeconfig_of(self, token: str, name: str) -> Path:
        """Write a kubeconfig of the holder of a token; its context is `name`."""
        path = self.folder / f"{name}.kubeconfig"
        server = {"server": self.url, "certificate-authority": str(self.ca_file)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "test", "user": name}}],
        }
        text = json.dumps(document)  # JSON is YAML
        # Others may be reading it: it is written once.
        if not path.exists() or path.read_text("utf-8") != text:
            draft = path.with_suffix(f".{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(text, "utf-8")
            draft.replace(path)
        return path

    def service_account_token(self, namespace: str, name: str) -> str:
        """Return a token of a service account, which exists."""
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
        wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = self.request("POST", f"{account}/token", {**wanted, "spec": {}})
        return str(answer["status"]["token"])

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        kind: str = "application/json",
    ) -> Any:
        """Return the answer to a request of the administrator, or of a token's holder.

        Args:
            method: Of HTTP.
            path: Such as `/api/v1/namespaces`.
            body: Of the request, as JSON.
            token: The other holder's.
            kind: Content type of the body.

        Raises:
            RequestError: The server said no.
            OSError: There is no server.
        """
        return self._ask(self.url + path, method, body, token or self.token, kind)

    def apply(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Apply manifests in order, as `kubectl apply --server-side` does.

        Custom resource definitions are usable on return.
        """
        for document in documents:
            if document["kind"] == "CustomResourceDefinition":
                self._define(document)
            else:
                path = resources.path(self.request, document)
                wanted = f"{path}?fieldManager=test&force=true"
                self.request("PATCH", wanted, document, kind=APPLY)

    def get(self, path: str) -> Any:
        """Return a resource; nothing where there is none."""
        try:
            return self.request("GET", path)
        except RequestError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _define(self, document: Mapping[str, Any]) -> None:
        """Define a custom resource, and wait for its routes."""
        name = document["metadata"]["name"]
        url = f"{self.definitions_url}{DEFINITIONS}/{name}"
        wanted = f"{url}?fieldManager=test&force=true"
        self._ask(wanted, "PATCH", document, self.token, APPLY)
        group, plural = document["spec"]["group"], document["spec"]["names"]["plural"]
        for version in document["spec"]["versions"]:
            if version["served"]:
                self._announce(group, version["name"])
                route = f"/apis/{group}/{version['name']}/{plural}"
                until(partial(self.request, "GET", route))

    def _announce(self, group: str, version: str) -> None:
        """Tell the aggregator who serves a group, where that is another server."""
        if self.definitions_url == self.url:
            return
        port = int(self.definitions_url.rpartition(":")[2])
        service = {"name": SERVICE, "namespace": "kube-system", "port": port}
        authority = base64.b64encode(self.ca_file.read_bytes()).decode()
        document = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {
                "group": group,
                "version": version,
                "groupPriorityMinimum": 1000,
                "versionPriority": 100,
                "caBundle": authority,
                "service": service,
            },
        }
        try:
            self.request("POST", SERVICES, document)
        except RequestError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise

    def _ask(self, url: str, method: str, body: Any, token: str, kind: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            url, data, headers, method=method
        )
        trust = ssl.create_default_context(cafile=self.ca_file)
        try:
            with urllib.request.urlopen(  # noqa: S310
                request, timeout=TIMEOUT, context=trust
            ) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                told = error.read().decode(errors="replace")
            raise RequestError(error.code, f"{method} {url}: {told}") from error
        return json.loads(text) if text[:1] in b"{[" else text.decode()


def until(asked: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return the first answer that is no error.

    Raises:
        RequestError: The server still says no after `patience` seconds.
        OSError: There is still no server.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return asked()
        except (RequestError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE)
