"""Copies of models that are kept elsewhere, each in a folder named by its digest."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from mlops_common.files import PARTIAL, make_folder
from mlops_common.refs import ModelRef
from mlops_common.serving.artifact import checked


def copied(
    folder: Path, model: ModelRef, download: Callable[[str, Path], Path]
) -> Path:
    """Return the copy of a model, made where there is none yet, its bytes checked.

    Args:
        folder: Holds the copies.
        model: The version.
        download: Copies what a URI names into a folder, and returns the place there.

    Raises:
        ContractError: The bytes are not those that the version names.
        MlopsError: Whatever the download ends with.
    """
    copy = folder / model.digest
    if copy.is_dir():
        return checked(model, copy)
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=PARTIAL) as new:
        found = checked(model, download(model.uri, Path(new)))
        try:
            found.rename(copy)
        except OSError:
            # Another run was faster, with the same bytes, or the disk fails.
            if not copy.is_dir():
                raise
    return copy
