"""A file that is to be stored: read in parts, and watched for changes."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.objects.s3.seeking import Sized


class Part(Sized):
    """A part of an open file; several can be read at once.

    Args:
        file: Descriptor of the file.
        start: Where in it the part begins.
        size: Bytes of the part.
    """

    def __init__(self, file: int, start: int, size: int) -> None:
        super().__init__(size)
        self._file = file
        self._start = start

    def __len__(self) -> int:
        return self.size

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes.

        Raises:
            EOFError: The file became shorter. A server that was promised more would
                wait for it until the connection times out.
        """
        left = self.size - self._position
        wanted = left if size is None or size < 0 else min(size, left)
        data = os.pread(self._file, wanted, self._start + self._position)
        if wanted and not data:
            raise EOFError(f"the file ends {left} bytes too early")
        self._position += len(data)
        return data


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be stored.

    Attributes:
        file: Its path.
        stream: Opened.
        state: Its size and the instant of its last change, when it was opened.
    """

    file: Path
    stream: BinaryIO
    state: tuple[int, int]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.state[0]

    def digest(self) -> str:
        """Return its SHA-256."""
        return hashlib.file_digest(self.stream, "sha256").hexdigest()  # type: ignore[arg-type]

    def part(self, start: int, size: int) -> Part:
        """Return a part of it."""
        return Part(self.stream.fileno(), start, size)

    def check(self, key: str) -> None:
        """Complain if it was written to since it was opened.

        Raises:
            ContractError: It was.
        """
        if _state(self.stream) != self.state:
            raise ContractError(
                f"{self.file} was written to while it was stored as {key!r}; "
                "store it again"
            )

    @contextmanager
    def unchanged(self, key: str) -> Iterator[None]:
        """Blame the file for a failure if it was written to; retrying cannot help."""
        try:
            yield
        except Exception:
            self.check(key)
            raise


@contextmanager
def opened(file: Path, key: str) -> Iterator[Source]:
    """Open a file that is to be stored under `key`.

    Raises:
        NotFoundError: There is no such file.
    """
    try:
        stream = file.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(f"no file {file} to store as {key!r}") from error
    with stream:
        yield Source(file, stream, _state(stream))


def _state(stream: BinaryIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns
