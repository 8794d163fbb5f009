"""Objects as files in a folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.files import PARTIAL, replacing


class LocalObjectStore:
    """Objects as files under `root`.

    Examples:
        >>> import tempfile
        >>> store = LocalObjectStore(Path(tempfile.mkdtemp()))
        >>> uri = store.put("raw/a", b"value")
        >>> with store.open("raw/a") as stream:
        ...     stream.read()
        b'value'
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`; return its URI."""
        with replacing(self._path(key)) as partial:
            partial.write_bytes(data)
        return self.uri(key)

    def upload(self, key: str, source: Path) -> str:
        """Store the file `source` under `key`; return its URI."""
        try:
            with replacing(self._path(key)) as partial:
                shutil.copyfile(source, partial)
        except FileNotFoundError as error:
            raise NotFoundError(f"no file {source} to store as {key!r}") from error
        return self.uri(key)

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """Open the object under `key` for reading."""
        try:
            stream = self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFoundError(f"no object {key!r} under {self.root}") from error
        with stream:
            yield stream

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the stored keys that start with `prefix`, in sorted order."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        names = (
            path.relative_to(self.root).as_posix()
            for path in files
            if not path.name.startswith(PARTIAL)
        )
        yield from sorted(name for name in names if name.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove the object under `key`."""
        self._path(key).unlink(missing_ok=True)

    def uri(self, key: str) -> str:
        """Return the `file://` URI of `key`."""
        return self._path(key).as_uri()

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if path == self.root or not path.is_relative_to(self.root):
            raise ContractError(
                f"object keys are relative paths inside the store, got {key!r}"
            )
        return path
