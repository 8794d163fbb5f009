"""A double of Prefect Cloud: its accounts, workspaces and keys before a real server.

It answers what Prefect's client asks of Cloud alone, and passes what is asked of its
workspace on to a Prefect server. Only this is of Cloud's kind:

- Everybody shows a key, `Authorization: Bearer …`, also where events are sent; a wrong
  one is answered by 401. There is no login by message over a socket of events.
- `/api/me/workspaces` tells the workspaces of the key.
- A workspace has no `/admin` and no `/csrf-token`; it knows the types of work pools by
  `/collections/work_pool_types`; a worker that asks for its number gets one.
- Sockets other than that of incoming events are not found.
"""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from mlops_common.processes import LOOPBACK
from mlops_common.testing.event_socket import relay
from mlops_common.testing.prefect import SECRET, Team

ABSENT = ("/admin", "/csrf-token")
TYPES = ("/collections/work_pool_types", "/collections/views/aggregate-worker-metadata")
HEARTBEAT = "/workers/heartbeat"
EVENTS = "/events/in"
# What the server is told of a request, and the client of an answer.
KEPT = ("Content-Type", "Accept", "User-Agent", "Content-Encoding", "Location")
TIMEOUT = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running double.

    Attributes:
        api: Its API, which `PREFECT_CLOUD_API_URL` names.
        team: The server behind its one workspace.
        key: The key that it admits.
        account: Number of the account.
        workspace: Number of the workspace.
    """

    api: str
    team: Team
    key: str = "pnu_" + "k" * 36
    account: UUID = field(default_factory=uuid4)
    workspace: UUID = field(default_factory=uuid4)

    handle = "acme/churn"

    @property
    def path(self) -> str:
        """Path of the workspace."""
        return f"/api/accounts/{self.account}/workspaces/{self.workspace}"

    @property
    def url(self) -> str:
        """URL of the workspace, as `PREFECT_API_URL` names it."""
        return f"{self.api.removesuffix('/api')}{self.path}"

    @property
    def variables(self) -> dict[str, str]:
        """By which Prefect finds and is admitted to the workspace, without a login."""
        return {
            "PREFECT_CLOUD_API_URL": self.api,
            "PREFECT_API_URL": self.url,
            "PREFECT_API_KEY": self.key,
        }

    def workspaces(self) -> list[dict[str, str]]:
        """Return what the key may see."""
        account, _, workspace = self.handle.partition("/")
        return [
            {
                "account_id": str(self.account),
                "account_name": account.title(),
                "account_handle": account,
                "workspace_id": str(self.workspace),
                "workspace_name": workspace.title(),
                "workspace_description": "",
                "workspace_handle": workspace,
            }
        ]


@contextmanager
def prefect_cloud_double(team: Team) -> Iterator[Cloud]:
    """Yield a double whose one workspace is a team's server."""
    with ThreadingHTTPServer((LOOPBACK, 0), BaseHTTPRequestHandler) as server:
        cloud = Cloud(f"http://{LOOPBACK}:{server.server_port}/api", team)
        server.RequestHandlerClass = _handler(cloud)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield cloud
        finally:
            server.shutdown()
            thread.join()


def _handler(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        double = cloud

    return Handler


class _Handler(BaseHTTPRequestHandler):
    """Answers one client."""

    double: Cloud
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request of any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        inside = self.path.removeprefix(self.double.path)
        if not self._known():
            self._tell(HTTPStatus.UNAUTHORIZED, {"detail": "Invalid credentials"})
        elif urlsplit(self.path).path == "/api/me/workspaces":
            self._tell(HTTPStatus.OK, self.double.workspaces())
        elif inside == self.path or inside.startswith(ABSENT):
            self._tell(HTTPStatus.NOT_FOUND, {"detail": "Not Found"})
        elif self.headers.get("Upgrade", "").lower() == "websocket":
            self._socket(inside)
        else:
            self._pass(inside, body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - called by the library

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _known(self) -> bool:
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and key == self.double.key

    def _pass(self, inside: str, body: bytes) -> None:
        """Ask the server behind, and say what it says."""
        asked = inside.replace(*TYPES)
        server = urlsplit(self.double.team.url)
        connection = HTTPConnection(server.netloc, timeout=TIMEOUT)
        headers = {k: v for k in KEPT if (v := self.headers.get(k))}
        headers["Authorization"] = f"Basic {b64encode(SECRET.encode()).decode()}"
        connection.request(self.command, server.path + asked, body or None, headers)
        answer = connection.getresponse()
        text, told = answer.read(), {k: v for k in KEPT if (v := answer.headers[k])}
        connection.close()
        if inside.endswith(HEARTBEAT) and json.loads(body).get("return_id"):
            name = json.loads(body)["name"]
            self._answer(HTTPStatus.OK, str(uuid5(NAMESPACE_URL, name)).encode(), {})
            return
        if "Location" in told:
            told["Location"] = told["Location"].replace(
                self.double.team.url, self.double.url
            )
        self._answer(answer.status, text, told)

    def _socket(self, inside: str) -> None:
        if inside.startswith(EVENTS):
            relay(self, f"{self.double.team.url}{inside}", token=SECRET)
            self.close_connection = True
        else:
            self._tell(HTTPStatus.NOT_FOUND, {"detail": "Not Found"})

    def _tell(self, status: int, value: object) -> None:
        kind = {"Content-Type": "application/json"}
        self._answer(status, json.dumps(value).encode(), kind)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
