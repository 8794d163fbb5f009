"""Ports of this machine's servers: free when they are taken, the same ever after."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from mlops_common.errors import BackendError
from mlops_common.files import replacing
from mlops_common.processes import LOOPBACK

# Below what Linux (from 32,768) and macOS (from 49,152) give to connections that go
# out, and what Kubernetes gives to its nodes (from 30,000).
SERVERS = range(20_000, 30_000)
TRIES = 100
MLFLOW_PAGES = "platform/parts/mlflow.port"  # below the home; `mlops up` writes it


@dataclass(frozen=True, slots=True)
class Remembered:
    """The port of one server, kept in a file.

    Attributes:
        file: Holds the number and nothing else.

    Examples:
        >>> import tempfile
        >>> port = Remembered(Path(tempfile.mkdtemp()) / "port")
        >>> port.number() is None
        True
        >>> port.settled() == port.settled() == port.number()
        True
    """

    file: Path

    def number(self) -> int | None:
        """Return the port; nothing where none was ever taken."""
        try:
            return int(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def settled(self) -> int:
        """Return a port to listen on: the one before, unless a stranger has it.

        Raises:
            BackendError: The disk is full, or the folder cannot be written.
        """
        port = self.number()
        if port is not None and is_free(port):
            return port
        port = free_port()
        with replacing(self.file) as partial:
            partial.write_text(str(port), "utf-8")
        return port


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now.

    The system gives it to no connection that goes out, one of which could take it
    before it is listened on.

    Raises:
        BackendError: Each of those that were tried is taken.
    """
    for port in SystemRandom().sample(SERVERS, TRIES):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise BackendError(
        f"each of {TRIES} ports between {SERVERS[0]} and {SERVERS[-1]} is taken; end "
        "servers that are not needed"
    )


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of the loopback interface.

    Examples:
        >>> with socket.create_server((LOOPBACK, 0)) as server:
        ...     is_free(server.getsockname()[1])
        False
    """
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0
