"""Locks between processes, which the kernel releases when their holder dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mlops_common.errors import ConfigError


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open the lock file at `path`, made when absent, without locking it.

    Raises:
        ConfigError: The file belongs to somebody else.
    """
    try:
        stream = path.open("ab")
    except PermissionError as error:
        raise ConfigError(
            f"{path} belongs to another user; run as that user, or set MLOPS_HOME to "
            "a folder of your own"
        ) from error
    with stream:
        yield stream


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; wait for whoever holds it now."""
    import fcntl

    with opened(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Wait until nobody holds the lock at `path` alone; others may share it."""
    import fcntl

    with opened(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        yield


def claim(stream: BinaryIO) -> bool:
    """Take the lock of an open file unless another process has it.

    It stays taken while this file is open here or in a child that inherited it.
    """
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def held(path: Path) -> bool:
    """Whether any process holds the lock at `path`."""
    if not path.exists():
        return False
    with opened(path) as stream:
        return not claim(stream)
