"""A double of what no server does on demand: an S3 gateway that refuses and errs.

It stands in front of a real server, passes requests on as they are, and spoils those
that a test names. Broken connections are `network.CuttingProxy`'s.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from mlops_common.processes import LOOPBACK
from mlops_common.sections import MinioSettings

ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<Error><Code>{code}</Code><Message>{code} on demand</Message></Error>"
)
# Of one connection, not of the message that is passed on.
HOP = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})
NO_BODY = frozenset({204, 304})
TIMEOUT = 120.0  # seconds
Kind: TypeAlias = Literal["refuse", "lose", "damage upload", "damage download"]


@dataclass(slots=True)
class Fault:
    """What happens to some requests.

    Attributes:
        kind: `refuse` answers with an error; `lose` lets the server do what was asked
            for and drops the answer; `damage` changes a byte on the way.
        method: Of those requests, such as `PUT`.
        path: What their path and query contain.
        status: Of a refusal.
        code: Of a refusal, such as `SlowDown`.
        times: How many requests are still to be spoiled.
    """

    kind: Kind
    method: str
    path: str = ""
    status: int = 503
    code: str = "SlowDown"
    times: int = 1


class FaultyGateway:
    """Passes requests on to the server of some settings, and spoils some of them.

    Attributes:
        settings: Those of the server, by way of this gateway.
        spoiled: How many requests were spoiled.
    """

    def __init__(self, settings: MinioSettings) -> None:
        place = urlsplit(settings.endpoint or "")
        self._server = (place.hostname or LOOPBACK, place.port or 80)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.spoiled = 0
        self._http = _Server((LOOPBACK, 0), _Handler)
        self._http.gateway = self
        here = f"http://{LOOPBACK}:{self._http.server_port}"
        self.settings = settings.model_copy(update={"endpoint": here})

    def spoil(self, fault: Fault) -> None:
        """Spoil the requests that a fault names, from now on."""
        with self._lock:
            self._faults.append(fault)

    def heal(self) -> None:
        """Spoil none any more."""
        with self._lock:
            self._faults.clear()

    @contextmanager
    def serving(self) -> Iterator["FaultyGateway"]:
        """Answer until the block ends."""
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()

    def due(self, method: str, path: str) -> Fault | None:
        """Return what is to happen to a request, if anything."""
        with self._lock:
            for fault in self._faults:
                if fault.times and fault.method == method and fault.path in path:
                    fault.times -= 1
                    self.spoiled += 1
                    return fault
        return None

    def connection(self) -> HTTPConnection:
        """Return a new connection to the server."""
        return HTTPConnection(*self._server, timeout=TIMEOUT)


class _Server(ThreadingHTTPServer):
    """Knows its gateway."""

    gateway: FaultyGateway


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection of a gateway."""

    server: "_Server"
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def pass_on(self) -> None:
        """Do what is to happen to one request."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        fault = self.server.gateway.due(self.command, self.path)
        if fault is not None and fault.kind == "refuse":
            error = ERROR.format(code=fault.code).encode()
            self.answer(fault.status, [("Content-Type", "application/xml")], error)
            return
        if fault is not None and fault.kind == "damage upload":
            body = _damaged(body)
        with closing(self.server.gateway.connection()) as server:
            answer = self.asked(server, body)
            found = answer.read()
        if fault is not None and fault.kind == "lose":
            self.close_connection = True
            return
        if fault is not None and fault.kind == "damage download":
            found = _damaged(found)
        self.answer(answer.status, answer.getheaders(), found)

    def asked(self, server: HTTPConnection, body: bytes) -> HTTPResponse:
        """Make the same request to the server."""
        server.putrequest(
            self.command, self.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                server.putheader(name, value)
        server.endheaders(body)
        return server.getresponse()

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer the client."""
        self.send_response_only(status)
        kept = [(n, v) for n, v in headers if n.lower() not in HOP]
        for name, value in kept:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in kept}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in NO_BODY:
            # A client may leave before the end.
            with suppress(ConnectionError):
                self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815


def _damaged(data: bytes) -> bytes:
    """Return the bytes with one of them changed, if there are any."""
    middle = len(data) // 2
    return (
        data[:middle]
        + bytes(b ^ 1 for b in data[middle : middle + 1])
        + (data[middle + 1 :])
    )
