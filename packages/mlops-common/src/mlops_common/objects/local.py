"""Objects as files in a folder."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.files import PARTIAL, replacing
from mlops_common.health import Health
from mlops_common.objects.base import checked, span


class LocalObjectStore:
    """Objects as files under `root`.

    Examples:
        >>> import tempfile
        >>> store = LocalObjectStore(Path(tempfile.mkdtemp()))
        >>> uri = store.put("raw/a", b"value")
        >>> with store.open("raw/a") as stream:
        ...     stream.read()
        b'value'
        >>> store.create("raw/a", b"other"), store.read("raw/a", 1, 3)
        (False, b'al')
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`; return its URI."""
        with replacing(self._path(key)) as partial:
            partial.write_bytes(data)
        return self.uri(key)

    def upload(self, key: str, source: Path, *, digest: str = "") -> str:  # noqa: ARG002 - files note none
        """Store the file `source` under `key`; return its URI."""
        with _present(source, key), replacing(self._path(key)) as partial:
            shutil.copyfile(source, partial)
        return self.uri(key)

    def create(self, key: str, data: bytes | Path) -> bool:
        """Store bytes or a file under `key` unless something is there already."""
        target = self._path(key)
        # Written beside it, then named by a link: a name that exists takes no other.
        draft = target.with_name(f"{PARTIAL}{secrets.token_hex(4)}-{target.name}")
        try:
            with _present(data, key), replacing(draft) as partial:
                if isinstance(data, bytes):
                    partial.write_bytes(data)
                else:
                    shutil.copyfile(data, partial)
            os.link(draft, target)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """Open the object under `key` for reading."""
        try:
            stream = self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFoundError(f"no object {key!r} under {self.root}") from error
        with stream:
            yield stream

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from `start` up to `stop`, as a slice does."""
        with self.open(key) as stream:
            begin, end = span(start, stop, os.fstat(stream.fileno()).st_size)
            stream.seek(begin)
            return stream.read(end - begin)

    def download(self, key: str, target: Path) -> None:
        """Copy the object under `key` to the file `target`."""
        with (
            self.open(key) as stream,
            replacing(target, flush=False) as partial,
            partial.open("wb") as copy,
        ):
            shutil.copyfileobj(stream, copy, 1 << 20)

    def digest(self, key: str) -> str:
        """Return the SHA-256 of the object under `key`."""
        with self.open(key) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

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

    def health(self) -> Health:
        """Tell which folder holds the objects."""
        return Health("embedded", str(self.root))

    def _path(self, key: str) -> Path:
        path = (self.root / checked(key)).resolve()
        if not path.is_relative_to(self.root):
            raise ContractError(f"object {key!r} is a link out of {self.root}")
        return path


@contextmanager
def _present(source: object, key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"no file {source} to store as {key!r}") from error
