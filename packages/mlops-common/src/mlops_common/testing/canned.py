"""A web server with a few answers, for what real servers do not say on demand."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from mlops_common.processes import LOOPBACK

Told: TypeAlias = tuple[int, Any]

ABSENT: Told = (HTTPStatus.NOT_FOUND, {})
# By RFC 6750.
STRANGER: Told = (HTTPStatus.UNAUTHORIZED, {"error": "invalid_token"})


@contextmanager
def canned(
    answers: Mapping[str, Told], *, authorization: str | None = None
) -> Iterator[str]:
    """Yield the URL of a server on loopback.

    Args:
        answers: Status and JSON of each path; other paths are not found.
        authorization: The header without which nobody is admitted.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            known = authorization in {None, self.headers.get("Authorization")}
            found = answers.get(urlsplit(self.path).path, ABSENT)
            status, value = found if known else STRANGER
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that the library calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
