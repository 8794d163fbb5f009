"""Files on their way from one system to another, in the home folder.

Each folder is named after the process that made it: what a killed run left there is
removed by a later one.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_common.files import unwritable
from mlops_common.processes import Identity
from mlops_common.refs import Ref

ABANDONED = 86_400.0  # seconds without a change after which a folder is nobody's
OWNER = re.compile(r"(\d+)-(\d+\.\d+)-")


class StagedTable(Ref):
    """A Parquet file that is not stored yet.

    Attributes:
        name: Dataset that it will be.
        path: The file, alone in its folder.
        rows: Number of rows.
    """

    name: str
    path: Path
    rows: int


def new_folder(root: Path) -> Path:
    """Return a new folder under `root`; folders left by killed runs are removed.

    Args:
        root: Folder of all staged files; made when absent.

    Raises:
        BackendError: The disk is full, or `root` cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        for folder in root.iterdir():
            if _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=root, prefix=_prefix()))
    except OSError as error:
        raise unwritable(root, error.strerror or str(error)) from error


@contextmanager
def folder(root: Path) -> Iterator[Path]:
    """Yield a new folder under `root` that is removed when the block ends."""
    path = new_folder(root)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def discard(staged: StagedTable) -> None:
    """Remove a staged file with its folder."""
    shutil.rmtree(staged.path.parent, ignore_errors=True)


def _prefix() -> str:
    """Return how the folders of this process begin."""
    own = Identity.of(os.getpid())
    return f"{own.pid}-{own.created:.2f}-"


def _abandoned(folder: Path) -> bool:
    owner = OWNER.match(folder.name)
    if owner and not Identity(int(owner[1]), float(owner[2])).alive():
        return True
    try:
        return time.time() - folder.stat().st_mtime > ABANDONED
    except FileNotFoundError:
        # Another run ended, or removed it, since it was listed.
        return False
