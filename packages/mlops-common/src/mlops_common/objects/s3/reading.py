"""Reading an object: in blocks that outlast a broken connection, checked at the end."""

import hashlib
import io
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError, IncompleteReadError

from mlops_common.errors import ContractError
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.objects.s3.errors import ERRORS
from mlops_common.progress import Advance

DIGEST = "sha256"  # name of the metadata that holds it
WRITER = "writer"
BLOCK = 1 << 20  # bytes
CLIENT_ERROR = 400


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of an object, as its server knows it.

    Attributes:
        key: Where it is.
        size: Bytes.
        etag: Names this version: another write has another.
        digest: SHA-256 that its writer noted; empty where it noted none.
        writer: Which write of ours made it; empty for another program's.
    """

    key: str
    size: int
    etag: str
    digest: str
    writer: str


def stored(bucket: Bucket, key: str) -> Stored:
    """Return what the server knows of an object."""
    action = f"read object {key!r}"
    try:
        answer = bucket.ask("head_object", action, Key=key)
    except ClientError:
        # An answer without a body cannot say what was wrong: this one can.
        answer = bucket.ask("get_object", action, Key=key)
        answer["Body"].close()
    metadata = answer["Metadata"]
    return Stored(
        key=key,
        size=int(answer["ContentLength"]),
        etag=str(answer["ETag"]),
        digest=str(metadata.get(DIGEST, "")),
        writer=str(metadata.get(WRITER, "")),
    )


def blocks(bucket: Bucket, found: Stored, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes from `start` up to `stop`, all of one version of the object.

    A connection that breaks is taken up where it broke.
    """
    action = f"read object {found.key!r}"
    failures = 0
    while start < stop:
        try:
            for block in _streamed(bucket, found, start, stop):
                start += len(block)
                failures = 0
                yield block
        except ERRORS as error:
            failures += 1
            bucket.retries.pause(action, failures, error)


def fetch(bucket: Bucket, found: Stored, target: Path, advance: Advance) -> str:
    """Copy an object to a file, several parts at once; return its SHA-256."""
    size = bucket.settings.part_size_mb << 20
    starts = range(0, found.size, size)
    with (
        target.open("wb+") as file,
        ThreadPoolExecutor(bucket.settings.parallel_parts) as pool,
    ):
        file.truncate(found.size)

        def part(start: int) -> int:
            position = start
            stop = min(start + size, found.size)
            for block in blocks(bucket, found, start, stop):
                os.pwrite(file.fileno(), block, position)
                position += len(block)
                advance(len(block))
            return stop

        parts = [pool.submit(part, start) for start in starts]
        try:
            return _digest(file, starts, parts)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def check(bucket: Bucket, found: Stored, digest: str) -> None:
    """Compare the SHA-256 of what was read with that of what was written.

    Raises:
        ContractError: They differ.
    """
    if found.digest not in {"", digest}:
        raise ContractError(
            f"object {found.key!r} in bucket {bucket.name!r} was altered: it has the "
            f"SHA-256 {digest[:12]}…, and was stored with {found.digest[:12]}…; store "
            "it again"
        )


class Stream(io.RawIOBase):
    """An object as a file that can seek; read from end to end, it is checked.

    Args:
        bucket: Where it is.
        found: The version to read.
    """

    def __init__(self, bucket: Bucket, found: Stored) -> None:
        super().__init__()
        self._bucket = bucket
        self._found = found
        self._position = 0
        self._blocks: Iterator[bytes] = iter(())
        self._rest = b""
        self._hash: Any = hashlib.sha256()
        self._restart()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can seek."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; a request is made by the next read."""
        origin = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._found.size,
        }
        position = max(0, origin[whence] + offset)
        if position != self._position:
            self._position = position
            self._hash = None
            self._restart()
        return position

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes; none at the end."""
        with self._bucket.translated(
            f"read object {self._found.key!r}", self._found.key
        ):
            self._rest = self._rest or next(self._blocks, b"")
        view = memoryview(buffer).cast("B")
        block, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(block)] = block
        self._position += len(block)
        if self._hash is not None:
            self._hash.update(block)
            if not block:
                check(self._bucket, self._found, self._hash.hexdigest())
        return len(block)

    def close(self) -> None:
        """Give the connection back."""
        self._stop()
        super().close()

    def _restart(self) -> None:
        self._stop()
        self._rest = b""
        self._blocks = blocks(
            self._bucket, self._found, self._position, self._found.size
        )

    def _stop(self) -> None:
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()


def _digest(file: BinaryIO, starts: range, parts: list[Future[int]]) -> str:
    """Return the SHA-256 of a file, taken in order while later parts still come."""
    digest = hashlib.sha256()
    if parts:
        with (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as view,
        ):
            for start, part in zip(starts, parts, strict=True):
                # A slice is a view too, and the map is closed after all of them.
                with view[start : part.result()] as piece:
                    digest.update(piece)
    return digest.hexdigest()


def _streamed(bucket: Bucket, found: Stored, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes that one request brings.

    Raises:
        IncompleteReadError: It ended before all were there.
    """
    answer = bucket.once(
        "get_object",
        Key=found.key,
        Range=f"bytes={start}-{stop - 1}",
        IfMatch=found.etag,
    )
    left = stop - start
    with closing(answer["Body"]) as body:
        while left and (block := body.read(min(BLOCK, left))):
            left -= len(block)
            yield block
    if left:
        raise IncompleteReadError(
            actual_bytes=stop - start - left, expected_bytes=stop - start
        )
