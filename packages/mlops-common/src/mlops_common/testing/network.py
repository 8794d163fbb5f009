"""A network that fails: a proxy which resets connections in the middle."""

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from mlops_common.processes import LOOPBACK

BLOCK = 16_384
RESET = struct.pack("ii", 1, 0)  # to linger for no time: what is left is dropped


def spliced(client: socket.socket, server: socket.socket) -> Iterator[int]:
    """Pass on what either side says, until one ends; yield the bytes of each block."""
    other = {client: server, server: client}
    with suppress(OSError):
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(BLOCK)
                if not data:
                    return
                other[source].sendall(data)
                yield len(data)


class CuttingProxy:
    """Forwards TCP connections to a server, and resets some of them.

    Attributes:
        port: Where it listens, on loopback.
        cuts: How many connections are still to be reset.
        done: How many were.
    """

    def __init__(self, host: str, port: int, *, after: int, cuts: int) -> None:
        """Make a proxy.

        Args:
            host: Of the server.
            port: Of the server.
            after: Bytes in both directions after which a connection is reset.
            cuts: How many connections are reset; later ones live.
        """
        self._server = (host, port)
        self._after = after
        self.cuts = cuts
        self.done = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    @contextmanager
    def serving(self) -> Iterator["CuttingProxy"]:
        """Forward until the block ends."""
        threading.Thread(target=self._accept, daemon=True).start()
        with closing(self._listener):
            yield self

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(
                    target=self._forward, args=(client,), daemon=True
                ).start()

    def _forward(self, client: socket.socket) -> None:
        """Pass on what either side says, until one ends or the connection is reset."""
        sent = 0
        with client, socket.create_connection(self._server) as server:
            for passed in spliced(client, server):
                sent += passed
                if sent > self._after and self._may_cut():
                    # Both are closed by this one thread: the reset is immediate.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    return

    def _may_cut(self) -> bool:
        with self._lock:
            if self.cuts == 0:
                return False
            self.cuts -= 1
            self.done += 1
            return True
