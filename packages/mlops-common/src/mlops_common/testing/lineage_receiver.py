"""A double of Marquez on loopback: it takes events, refuses them, fails, or is away."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mlops_common.processes import LOOPBACK

PATH = "/api/v1/lineage"


class MarquezDouble:
    """Takes events as Marquez 0.51 does: one a request, an event twice if told twice.

    It knows no more of an event than when it was, and what its job is. Besides what
    Marquez refuses, it refuses a job without a name: what we send, Marquez takes.

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
        """The ids of the runs whose events it took, in order; a repetition has none."""
        told = [
            one
            for number, one in enumerate(self.events)
            if one not in self.events[:number]
        ]
        return [event["run"]["runId"] for event in told if "run" in event]

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

    def answer(self, path: str, body: bytes, key: str | None) -> tuple[HTTPStatus, Any]:
        """Take an event, or say why not; return the status and what the body says."""
        with self._lock:
            self.keys.append(key)
            if self.status is not None:
                return _plain(self.status)
            if self.key is not None and key != f"Bearer {self.key}":
                return _plain(HTTPStatus.UNAUTHORIZED)
            if path != PATH:
                return _plain(HTTPStatus.NOT_FOUND)
            event = json.loads(body)
            self.requests.append(event)
            missing = [place for place in _needed(event) if not _at(event, place)]
            if missing:
                said = {"errors": [f"{place} must not be null" for place in missing]}
                return HTTPStatus.UNPROCESSABLE_ENTITY, said
            if not _dated(event):
                said = _plain(HTTPStatus.BAD_REQUEST)[1]
                return HTTPStatus.INTERNAL_SERVER_ERROR, said  # as Marquez has it
            self.events.append(event)
            return HTTPStatus.CREATED, None


@contextmanager
def marquez_double(key: str | None = None) -> Iterator[MarquezDouble]:
    """Yield a double that listens; it is gone at the end."""
    double = MarquezDouble(key)
    double.come()
    try:
        yield double
    finally:
        double.go()


def _plain(status: HTTPStatus) -> tuple[HTTPStatus, Any]:
    return status, {"code": status, "message": status.phrase}


def _needed(event: Any) -> list[str]:
    """Return what Marquez asks of an event, which is more than OpenLineage does."""
    job_type = "job.facets.jobType"
    told = [f"{job_type}.jobType"] if _at(event, job_type) is not None else []
    return ["job.name", *told]


def _at(event: Any, place: str) -> Any:
    for step in place.split("."):
        event = event.get(step) if isinstance(event, dict) else None
    return event


def _dated(event: Any) -> bool:
    try:
        datetime.fromisoformat(event["eventTime"])
    except ValueError:
        return False
    return True


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
            status, told = double.answer(self.path, body, key)
            said = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
