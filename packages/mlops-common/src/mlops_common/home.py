"""The home folder: how to stop what runs in it, how to start over."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common.errors import BackendError, ConfigError
from mlops_common.parts import catalogue
from mlops_common.parts.folder import PlatformFolder
from mlops_common.parts.lowering import lower
from mlops_common.progress import step

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform


def stop(platform: "Platform") -> Iterator[str]:
    """Stop all that runs in the home folder, users of a part before the part.

    Yields:
        The name of each part after it stopped.
    """
    folder = PlatformFolder(platform.settings.home)
    if folder.path.is_dir():
        with folder.turn():
            yield from lower(folder)
    for part in catalogue.shared(platform):
        if part.identity() is not None:
            with step(f"Stop {part.title}"):
                part.stop()
            yield part.title


def reset(platform: "Platform") -> None:
    """Stop everything and delete the home folder.

    Raises:
        ConfigError: The folder does not look like a home; nothing is deleted.
        BackendError: A file cannot be deleted; the others are.
    """
    home = platform.settings.home
    if home.exists() and not _is_home(home):
        raise ConfigError(
            f"{home} does not look like a home folder of mlops: it holds none of "
            "postgres, objects and datasets; delete it yourself if you mean to"
        )
    for _ in stop(platform):
        pass
    embedded = platform.postgres.server
    if embedded is not None:
        embedded.remove()
    _delete(home)


def _delete(home: Path) -> None:
    """Delete a folder, at first all that can be, then what could not, to be told."""
    shutil.rmtree(home, ignore_errors=True)
    try:
        if home.exists():
            shutil.rmtree(home)
    except OSError as error:
        raise BackendError(
            f"cannot delete all of {home}: {error.filename}: {error.strerror}; see "
            "that no program uses it and that its files are yours, then reset again"
        ) from error


def _is_home(home: Path) -> bool:
    marks = ("postgres", "objects", "datasets", "prefect", "lineage")
    return not any(home.iterdir()) or any((home / mark).exists() for mark in marks)


def size(folder: Path) -> int:
    """Return the bytes of all files of a folder; 0 where there is none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
