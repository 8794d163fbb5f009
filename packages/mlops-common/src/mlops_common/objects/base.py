"""What the pipelines ask of object storage."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from mlops_common.errors import ContractError
from mlops_common.health import Health


class ObjectStore(Protocol):
    """Blobs by key. Keys are relative POSIX paths such as `raw/ab12.parquet`.

    A write is all or nothing: a reader sees the old bytes or the new ones. Every method
    that takes a key raises `ContractError` for one that is no relative path, and
    `BackendError` where the store fails.
    """

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`, replacing what was there; return its URI."""
        ...

    def upload(self, key: str, source: Path, *, digest: str = "") -> str:
        """Store the file `source` under `key`, streamed; return its URI.

        Args:
            key: Where to.
            source: The file.
            digest: Its SHA-256, which saves a store the work where it is known.

        Raises:
            NotFoundError: There is no such file.
        """
        ...

    def create(self, key: str, data: bytes | Path) -> bool:
        """Store bytes or a file under `key` unless something is there already.

        Of any number of writers at once one is told that it stored its bytes.

        Returns:
            Whether this call stored them.

        Raises:
            NotFoundError: There is no such file.
        """
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open the object under `key` for reading; the stream can seek.

        Raises:
            NotFoundError: Nothing is stored under `key`.
        """
        ...

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from `start` up to `stop`, as a slice does.

        Raises:
            NotFoundError: Nothing is stored under `key`.
            ContractError: A bound is negative.
        """
        ...

    def download(self, key: str, target: Path) -> None:
        """Copy the object under `key` to the file `target`, all or nothing.

        Raises:
            NotFoundError: Nothing is stored under `key`.
            ContractError: The bytes are not those that were stored.
        """
        ...

    def digest(self, key: str) -> str:
        """Return the SHA-256 of the object under `key`, in hexadecimal.

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

    def health(self) -> Health:
        """Tell how the store is: whether it can be used, and what it guarantees.

        Raises:
            ConfigError: It does not admit us.
            BackendError: It cannot be reached, or is full.
        """
        ...


def checked(key: str) -> str:
    """Return a key that names a place inside any store.

    Raises:
        ContractError: It is empty, absolute, or has an empty part, `.` or `..`.

    Examples:
        >>> checked("raw/ab12.parquet")
        'raw/ab12.parquet'
    """
    if any(part in {"", ".", ".."} for part in key.split("/")):
        raise ContractError(
            f"object keys are relative paths inside the store, got {key!r}"
        )
    return key


def span(start: int, stop: int | None, size: int) -> tuple[int, int]:
    """Return the bounds of a slice of `size` bytes.

    Raises:
        ContractError: A bound is negative.

    Examples:
        >>> span(2, None, 5), span(2, 99, 5), span(9, None, 5)
        ((2, 5), (2, 5), (5, 5))
    """
    if start < 0 or (stop is not None and stop < 0):
        raise ContractError(f"bytes are counted from 0, got {start} to {stop}")
    end = size if stop is None else min(stop, size)
    begin = min(start, size)
    return begin, max(begin, end)
