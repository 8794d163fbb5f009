"""Files that a killed process leaves whole: the old content or the new one."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_common.errors import BackendError, ConfigError

PARTIAL = ".partial-"
LEAST_ROOM = 100 << 20  # bytes; PostgreSQL stops where it cannot write its log of 16 MB
FORGOTTEN = 24 * 3600.0  # seconds after which what a killed run left is removed
# Reasons that only a write has.
UNWRITABLE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
)


@contextmanager
def replacing(target: Path, *, flush: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `target`, which takes its place at the end.

    An error in the block leaves `target` as it was; one that concerns another file
    is passed on as it is. What killed processes left beside it is removed after a day.

    Args:
        target: The file; its folder is made when absent.
        flush: Wait for the disk, so that a power cut spoils nothing either; not worth
            it for a copy that is checked when it is used.

    Raises:
        BackendError: The disk is full, or the folder cannot be written.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with replacing(folder / "a.txt") as partial:
        ...     _ = partial.write_text("whole")
        >>> [path.name for path in folder.iterdir()]
        ['a.txt']
    """
    try:
        with _renaming(target, flush=flush) as partial:
            yield partial
    except OSError as error:
        if not _concerns(error, target):
            raise
        raise unwritable(target, error.strerror or str(error)) from error


def replace_text(path: Path, text: str) -> None:
    """Write `text` to `path`, all or nothing; its folder is made when absent.

    Raises:
        OSError: The disk is full, or the folder cannot be written.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "state/port"
        >>> replace_text(path, "8081")
        >>> path.read_text("utf-8")
        '8081'
    """
    with _renaming(path) as partial:
        partial.write_text(text, "utf-8")


def make_folder(folder: Path) -> None:
    """Make a folder of the home, with those above it, unless it exists.

    Raises:
        ConfigError: It cannot be made there, or not by this user.
        BackendError: The disk is full.

    Examples:
        >>> make_folder(Path("/dev/null/home"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        mlops_common.errors.ConfigError: cannot make the folder /dev/null/home: ...
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise unwritable(folder, reason) from error
        raise ConfigError(
            f"cannot make the folder {folder}: {reason}; "
            "set MLOPS_HOME to a folder of your own"
        ) from error


def has_room(folder: Path) -> bool:
    """Whether the disk of a folder, be it made or not, has room for a run."""
    present = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(present).free >= LEAST_ROOM


def no_room(folder: Path) -> BackendError:
    """Return the error of a disk that is, or was until just now, full."""
    return BackendError(
        f"the disk of {folder} is full, or has less than the {LEAST_ROOM >> 20} MB "
        "that a run needs; free some space, or point MLOPS_HOME at another disk"
    )


def unwritable(target: Path, reason: str) -> BackendError:
    """Return the error of a file that cannot be written."""
    return BackendError(
        f"cannot write {target}: {reason}; free some space if the disk is full, or "
        "point MLOPS_HOME at another folder"
    )


@contextmanager
def _renaming(target: Path, *, flush: bool = True) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    _forget(target)
    partial = target.with_name(f"{PARTIAL}{secrets.token_hex(4)}-{target.name}")
    try:
        yield partial
        if flush:
            with partial.open("rb+") as stream:
                os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _concerns(error: OSError, target: Path) -> bool:
    """Whether an error is about writing `target`, and not about another file."""
    if error.errno in UNWRITABLE:
        return True
    if not isinstance(error.filename, str | os.PathLike):
        return False
    place = Path(error.filename)
    partial = place.parent == target.parent and place.name.startswith(PARTIAL)
    return partial or place == target or place in target.parents


def _forget(target: Path) -> None:
    for leftover in target.parent.glob(f"{PARTIAL}*-{target.name}"):
        try:
            if leftover.stat().st_mtime < time.time() - FORGOTTEN:
                leftover.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
