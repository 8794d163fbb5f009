"""What the pipelines ask of object storage."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol


class ObjectStore(Protocol):
    """Blobs by key. Keys are relative POSIX paths such as `raw/ab12.parquet`.

    A write is all or nothing: a reader sees the old bytes or the new ones.
    """

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`, replacing what was there; return its URI."""
        ...

    def upload(self, key: str, source: Path) -> str:
        """Store the file `source` under `key`, streamed; return its URI."""
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open the object under `key` for reading.

        Raises:
            NotFoundError: Nothing is stored under `key`.
        """
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the stored keys that start with `prefix`, in sorted order."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object under `key`; an absent key is no error."""
        ...

    def uri(self, key: str) -> str:
        """Return the URI of `key`, whether or not it is stored yet."""
        ...
