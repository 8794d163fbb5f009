"""A PostgreSQL server for tests, in a home of its own."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Yield a short folder that the server's user can enter; delete it at the end."""
    with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        try:
            yield home
        finally:
            EmbeddedServer(home).remove()


@contextmanager
def temporary_postgres() -> Iterator[Postgres]:
    """Yield a running server with an empty database `customers`."""
    with temporary_home() as home:
        settings = PostgresSettings()
        postgres = Postgres(settings, EmbeddedServer(home))
        postgres.ensure_database(settings.database)
        yield postgres


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small disk at `folder`; skip the test where that is not allowed."""
    import pytest

    options = f"size={megabytes}m,mode=755"
    mount = ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a small disk, on Linux")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)
