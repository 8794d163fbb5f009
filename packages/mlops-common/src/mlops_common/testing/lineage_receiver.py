"""A double of Marquez on loopback: it takes events, refuses them, fails, or is away."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mlops_common.processes import LOOPBACK

PATH = "/api/v1/lineage"


class MarquezDouble:
    """Takes events as Marquez does: one a request, an event that it knows changes none.

    It knows no more of an event than that it names its job.

    Attributes:
        requests: Events in the order in which they came, those it refused included.
        events: Those that it took.
        keys: The header `Authorization` of each request.
        status: What it answers while it is set, as a server that fails.
        key: The bearer token without which nobody is admitted, if any.
    """

    def __init__(self, key: str | None = None, port: int = 0) -> None:
        """Make a double that does not listen yet.

        Args:
            key: Of who is admitted; everybody is, without one.
            port: Where it will listen; a free one when 0.
        """
        self.requests: list[Any] = []
        self.events: list[Any] = []
        self.keys: list[str | None] = []
        self.status: HTTPStatus | None = None
        self.key = key
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens, or listened last."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def runs(self) -> list[str]:
        """The ids of the runs whose events it took, in their order."""
        return [event["run"]["runId"] for event in self.events]

    def come(self) -> None:
        """Listen, at the port at which it did before."""
        self._server = ThreadingHTTPServer((LOOPBACK, self._port), _handler(self))
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()

    def go(self) -> None:
        """Listen no more, and break off what is under way."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def connected(self, connection: socket.socket) -> None:
        """Note a connection, to break it off."""
        with self._lock:
            self._connections.add(connection)

    def answer(self, path: str, body: bytes, key: str | None) -> HTTPStatus:
        """Take an event, or say why not."""
        with self._lock:
            self.keys.append(key)
            if self.status is not None:
                return self.status
            if self.key is not None and key != f"Bearer {self.key}":
                return HTTPStatus.UNAUTHORIZED
            if path != PATH:
                return HTTPStatus.NOT_FOUND
            event = json.loads(body)
            self.requests.append(event)
            if not event.get("job", {}).get("name"):
                return HTTPStatus.BAD_REQUEST
            if event not in self.events:
                self.events.append(event)
            return HTTPStatus.CREATED


@contextmanager
def marquez_double(key: str | None = None) -> Iterator[MarquezDouble]:
    """Yield a double that listens; it is gone at the end."""
    double = MarquezDouble(key)
    double.come()
    try:
        yield double
    finally:
        double.go()


def _handler(double: MarquezDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece: two would take 40 ms between them
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            double.connected(self.connection)

        def handle(self) -> None:
            with suppress(OSError):  # broken off
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            key = self.headers.get("Authorization")
            status = double.answer(self.path, body, key)
            said = json.dumps({"code": status, "message": status.phrase}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
