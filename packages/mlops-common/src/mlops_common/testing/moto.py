"""An S3 server for tests that runs anywhere: moto's, in a process of its own.

It keeps objects in memory and admits everybody: tests of access need a real server.
"""

import itertools
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK, Process, wait_until
from mlops_common.sections import MinioSettings
from mlops_common.web import healthy

PATIENCE = 120.0  # seconds for a start on a busy machine
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class MotoServer:
    """A running server.

    Attributes:
        port: Where it listens, on loopback.
        process: The server.
    """

    port: int
    process: Process

    def bucket(self, **changes: Any) -> MinioSettings:
        """Make a bucket; return the settings that reach it."""
        values: dict[str, Any] = {
            "endpoint": f"http://{LOOPBACK}:{self.port}",
            "bucket": f"bucket-{next(_numbers)}",
            "access_key": SecretStr("moto-access"),
            "secret_key": SecretStr("moto-secret"),
        }
        settings = MinioSettings(**{**values, **changes})
        make_bucket(settings)
        return settings


def make_bucket(settings: MinioSettings) -> None:
    """Make the bucket that settings name."""
    from mlops_common.objects.s3.bucket import Bucket

    Bucket(settings).once("create_bucket")


@contextmanager
def moto_server() -> Iterator[MotoServer]:
    """Yield a server; it forgets everything when it ends."""
    with tempfile.TemporaryDirectory(prefix="moto-") as folder:
        server = MotoServer(free_port(), Process(Path(folder), "moto"))
        command = ("-m", "moto.server", "-H", LOOPBACK, "-p", str(server.port))
        server.process.start([sys.executable, *command])
        try:
            url = f"http://{LOOPBACK}:{server.port}/moto-api/"
            if not wait_until(lambda: healthy(url), PATIENCE):
                raise AssertionError(f"no moto server: {server.process.tail()}")
            yield server
        finally:
            server.process.stop()
