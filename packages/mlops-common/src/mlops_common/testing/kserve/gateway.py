"""Where requests enter: a double of a cluster's gateway, which splits by weight."""

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from mlops_common.processes import LOOPBACK

# By the name of a Kubernetes Service: the slots behind it, with their weights.
Routes: TypeAlias = Mapping[str, Mapping[str, int]]
TRIES = 20  # of a request whose pod ended meanwhile
TIMEOUT = 60.0
PASSED = ("Content-Type", "X-Model-Version")


class Gateway:
    """Answers at `/NAMESPACE/NAME/...` for each Kubernetes Service.

    Attributes:
        template: What `kserve.url` has to be.

    Args:
        port: Given a slot, returns where its pod answers.
    """

    def __init__(self, port: Callable[[str], int | None]) -> None:
        self._port = port
        self._routes: dict[str, Routes] = {}
        self.template = ""

    def route(self, service: str, routes: Routes) -> None:
        """Set the routes of an InferenceService, `NAMESPACE/NAME` to its slots."""
        self._routes[service] = routes

    def keep(self, services: set[str]) -> None:
        """Forget the routes of all other services."""
        for name in set(self._routes) - services:
            del self._routes[name]

    @contextmanager
    def serving(self) -> Iterator["Gateway"]:
        """Answer until the block ends."""
        server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        server.daemon_threads = True
        self.template = f"http://{LOOPBACK}:{server.server_port}/{{namespace}}/{{name}}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _choose(self, name: str) -> int | None:
        """Return the port of a pod behind a Service, by the weights."""
        for routes in list(self._routes.values()):
            weights = routes.get(name)
            if weights and sum(weights.values()):
                slots, shares = zip(*weights.items(), strict=True)
                return self._port(random.choices(slots, shares)[0])  # noqa: S311
        return None

    def _forward(
        self, method: str, path: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Return the answer of a pod."""
        _, namespace, name, rest = path.split("/", 3)
        for _ in range(TRIES):
            port = self._choose(f"{namespace}/{name}")
            if port is None:
                break
            connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT)
            try:
                connection.request(method, f"/{rest}", body)
                answer = connection.getresponse()
                headers = {key: answer.headers[key] or "" for key in PASSED}
                return answer.status, headers, answer.read()
            except (OSError, HTTPException):
                continue
            finally:
                connection.close()
        told = json.dumps({"error": f"no pod answers for {namespace}/{name}"})
        return HTTPStatus.SERVICE_UNAVAILABLE, {}, told.encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Else each answer waits for the acknowledgement of its headers.
            wbufsize = -1
            disable_nagle_algorithm = True

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                status, headers, body = gateway._forward(
                    self.command, self.path, self.rfile.read(length)
                )
                self.send_response(status)
                for key, value in headers.items():
                    if value:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                """Write no log."""

        return Handler
