"""The bytes of a model: a folder, known by the digest of its files."""

import hashlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlops_common.errors import ConfigError, ContractError, NotFoundError
from mlops_common.refs import ModelRef


def folder_digest(path: Path) -> str:
    """Return the SHA-256, in hex, over the names and bytes of a folder's files.

    Files are taken in the order of their relative POSIX names. Each adds the digest
    of its name and that of its bytes, so that no byte can move from one to the other
    unseen.

    Args:
        path: The folder; links to files count as the files.

    Raises:
        NotFoundError: There is no such folder.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "model.txt").write_text("tree")
        >>> folder_digest(folder)[:12]
        '35ad3d0c3c97'
    """
    if not path.is_dir():
        raise NotFoundError(f"no model folder at {path}")
    digest = hashlib.sha256()
    files = (file for file in path.rglob("*") if file.is_file())
    named = sorted((file.relative_to(path).as_posix(), file) for file in files)
    for name, file in named:
        digest.update(hashlib.sha256(name.encode()).digest())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def verified(model: ModelRef) -> Path:
    """Return the folder that a model's URI names, its bytes checked.

    Raises:
        ConfigError: The URI is no `file://` URI.
        NotFoundError: There is no such folder.
        ContractError: The bytes are not those that the reference names.
    """
    parts = urlsplit(model.uri)
    if parts.scheme != "file":
        raise ConfigError(
            f"model {model.name} version {model.version} is at {model.uri}; "
            "serving on this machine needs a file:// folder"
        )
    return checked(model, Path(unquote(parts.path)))


def checked(model: ModelRef, folder: Path) -> Path:
    """Return a folder with the bytes of a model, checked against its digest.

    Raises:
        NotFoundError: There is no such folder.
        ContractError: The bytes are not those that the reference names.
    """
    found = folder_digest(folder)
    if found != model.digest:
        raise ContractError(
            f"the files of model {model.name} version {model.version} in {folder} "
            f"were altered: expected digest {model.digest}, found {found}; "
            "register the model again"
        )
    return folder
