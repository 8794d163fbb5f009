"""Reading an object: in blocks that outlast a broken connection, checked at the end."""

import hashlib
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError

from mlops_common.errors import ContractError
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.objects.s3.errors import ERRORS
from mlops_common.objects.s3.seeking import Sized

DIGEST = "sha256"  # name of the metadata that holds it
WRITER = "writer"
BLOCK = 1 << 20  # bytes


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


def blocks(bucket: Bucket, found: Stored, start: int, stop: int) -> Generator[bytes]:
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


class Stream(Sized):
    """An object as a file that can seek; read from end to end, it is checked.

    Args:
        bucket: Where it is.
        found: The version to read.
    """

    def __init__(self, bucket: Bucket, found: Stored) -> None:
        super().__init__(found.size)
        self._bucket = bucket
        self._found = found
        self._blocks: Iterator[bytes] = iter(())
        self._rest = b""
        self._hash: Any = hashlib.sha256()
        self._restart()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; a request is made by the next read."""
        before = self._position
        position = super().seek(offset, whence)
        if position != before:
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
