"""A Redis server for tests, with a password, on loopback."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK, wait_until
from mlops_common.sections import RedisSettings

PATIENCE = 60.0  # seconds for a start on a busy machine


@contextmanager
def redis_server(folder: Path, password: str) -> Iterator[RedisSettings]:
    """Yield the settings of a running server; skip where there is no program."""
    import pytest

    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    port = free_port()
    config = f'bind {LOOPBACK}\nport {port}\nsave ""\nrequirepass "{quoted}"\n'
    with subprocess.Popen(
        [program, "-"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as server:
        assert server.stdin is not None
        server.stdin.write(config.encode())
        server.stdin.close()
        settings = RedisSettings(host=LOOPBACK, port=port, password=SecretStr(password))
        try:
            assert wait_until(lambda: _answers(settings), PATIENCE)
            yield settings
        finally:
            server.terminate()
            server.wait(PATIENCE)


def _answers(settings: RedisSettings) -> bool:
    from redis import Redis
    from redis.exceptions import RedisError

    with Redis(settings.host, settings.port, password=settings.secret()) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False
