"""Relays a socket of Prefect's events, in the middle of an HTTP server."""

import json
import socket
from http.server import BaseHTTPRequestHandler
from io import RawIOBase
from urllib.parse import urlsplit

from mlops_common.testing.network import spliced

# RFC 6455: a whole text frame; of a client it is masked, here by zeros.
TEXT, MASKED, MASK = 0x81, 0x80, bytes(4)
LENGTH = 0x7F
KEPT = ("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")


def relay(client: BaseHTTPRequestHandler, url: str, *, token: str) -> None:
    """Connect a client that asked for a socket with a server that wants a login.

    The server takes the login as a first message; the client sends none and sees none.

    Args:
        client: Its request has been read.
        url: Of the socket at the server, as of HTTP.
        token: By which the server admits us.
    """
    where = urlsplit(url)
    address = (where.hostname or "", where.port or 80)
    lines = [f"GET {where.path} HTTP/1.1", f"Host: {where.netloc}"]
    lines += [f"{name}: {client.headers[name]}" for name in KEPT]
    lines.append("Sec-WebSocket-Protocol: prefect")
    with (
        socket.create_connection(address) as server,
        server.makefile("rb", buffering=0) as reader,
    ):
        server.sendall("\r\n".join([*lines, "", ""]).encode())
        head = _head(reader)
        login = json.dumps({"type": "auth", "token": token}).encode()
        server.sendall(bytes([TEXT, MASKED | len(login)]) + MASK + login)
        told = _message(server)
        assert json.loads(told) == {"type": "auth_success"}, told
        client.connection.sendall(head)
        for _ in spliced(client.connection, server):
            pass


def _head(reader: RawIOBase) -> bytes:
    """Return the head of an answer, without the protocol that nobody asked for."""
    lines = []
    while (line := reader.readline()) not in {b"\r\n", b""}:
        if not line.lower().startswith(b"sec-websocket-protocol:"):
            lines.append(line)
    assert b" 101 " in lines[0], lines[0]
    return b"".join([*lines, b"\r\n"])


def _message(server: socket.socket) -> bytes:
    """Return a short message of a server."""
    kind, length = server.recv(2, socket.MSG_WAITALL)
    assert kind == TEXT, kind
    assert length < LENGTH - 1, length
    return server.recv(length, socket.MSG_WAITALL)
