"""Writing an object: in one request, or in parts that become visible together."""

import hashlib
import math
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.objects.s3.errors import NO_SUCH_UPLOAD, TAKEN, code
from mlops_common.objects.s3.reading import DIGEST, WRITER, stored
from mlops_common.progress import step

MOST_PARTS = 10_000  # of an object, by the S3 API
LARGEST_REQUEST = 5 << 30  # bytes of one request, by the S3 API


@dataclass(frozen=True, slots=True)
class Write:
    """One write of an object, known again by its token when an answer was lost.

    Attributes:
        key: Where the object goes.
        size: Bytes.
        metadata: Stored with it: its SHA-256 and the token.
        condition: Arguments that let it happen, such as `{"IfNoneMatch": "*"}`.
    """

    key: str
    size: int
    metadata: dict[str, str]
    condition: dict[str, str]

    @property
    def action(self) -> str:
        """What is being done, for messages."""
        return f"write object {self.key!r}"


def write(bucket: Bucket, key: str, data: bytes | Path, *, only_new: bool) -> bool:
    """Store bytes or a file; return whether this call stored them.

    Args:
        bucket: Where to.
        key: Of the object.
        data: The bytes, or the file that holds them.
        only_new: Store nothing where there is an object already.

    Raises:
        NotFoundError: There is no such file.
        ContractError: The file was changed meanwhile.
    """
    condition = {"IfNoneMatch": "*"} if only_new else {}
    if isinstance(data, bytes):
        digest = hashlib.sha256(data).hexdigest()
        return _whole(bucket, _described(key, len(data), digest, condition), data)
    with _opened(data, key) as source:
        if source.size <= bucket.settings.part_size_mb << 20:
            return write(bucket, key, source.stream.read(), only_new=only_new)
        wanted = _described(key, source.size, source.digest(), condition)
        # Not all servers heed a condition at the end of an upload in parts.
        if only_new and source.size <= LARGEST_REQUEST:
            return _created(bucket, wanted, source)
        return _in_parts(bucket, wanted, source)


def _described(key: str, size: int, digest: str, condition: dict[str, str]) -> Write:
    metadata = {DIGEST: digest, WRITER: secrets.token_hex(8)}
    return Write(key, size, metadata, condition)


def _whole(bucket: Bucket, wanted: Write, body: bytes | BinaryIO) -> bool:
    """Store an object in one request."""

    def request() -> dict[str, Any]:
        if not isinstance(body, bytes):
            body.seek(0)
        return bucket.once(
            "put_object",
            Key=wanted.key,
            Body=body,
            Metadata=wanted.metadata,
            **wanted.condition,
        )

    try:
        bucket.retries.call(wanted.action, request)
    except ClientError as error:
        return _was_ours(bucket, wanted, error)
    return True


def _created(bucket: Bucket, wanted: Write, source: "_Source") -> bool:
    """Store a new object in one request; remove it if the file was changed."""
    won = _whole(bucket, wanted, source.stream)
    try:
        source.check(wanted.key)
    except ContractError:
        if won:
            bucket.ask("delete_object", wanted.action, Key=wanted.key)
        raise
    return won


def _in_parts(bucket: Bucket, wanted: Write, source: "_Source") -> bool:
    """Store an object in several requests at once; all of it appears, or nothing."""
    begun = bucket.ask(
        "create_multipart_upload",
        wanted.action,
        Key=wanted.key,
        Metadata=wanted.metadata,
    )
    upload = {"Key": wanted.key, "UploadId": begun["UploadId"]}
    try:
        parts = _sent(bucket, wanted, source.stream, upload)
        source.check(wanted.key)
        bucket.ask(
            "complete_multipart_upload",
            wanted.action,
            MultipartUpload={"Parts": parts},
            **upload,
            **wanted.condition,
        )
    except BaseException as error:
        with suppress(ClientError, BotoCoreError):
            bucket.once("abort_multipart_upload", **upload)
        if isinstance(error, ClientError):
            return _was_ours(bucket, wanted, error)
        raise
    return True


def _sent(
    bucket: Bucket, wanted: Write, source: BinaryIO, upload: dict[str, str]
) -> list[dict[str, Any]]:
    """Send every part; return what the server calls them, in order."""
    size = max(bucket.settings.part_size_mb << 20, math.ceil(wanted.size / MOST_PARTS))

    def send(number: int) -> dict[str, Any]:
        block = os.pread(source.fileno(), size, (number - 1) * size)
        # The signature holds the SHA-256 of the part, which the server checks.
        answer = bucket.ask(
            "upload_part", wanted.action, PartNumber=number, Body=block, **upload
        )
        advance(len(block))
        return {"PartNumber": number, "ETag": answer["ETag"]}

    with (
        step(f"Upload {wanted.key}", wanted.size, unit="bytes") as advance,
        ThreadPoolExecutor(bucket.settings.parallel_parts) as pool,
    ):
        numbers = range(1, math.ceil(wanted.size / size) + 1)
        parts = [pool.submit(send, number) for number in numbers]
        try:
            return [part.result() for part in parts]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _was_ours(bucket: Bucket, wanted: Write, error: ClientError) -> bool:
    """Whether a refused write is an earlier try of our own whose answer was lost.

    Raises:
        ClientError: The refusal has another reason.
    """
    taken = bool(wanted.condition) and code(error) in TAKEN
    if not taken and code(error) != NO_SUCH_UPLOAD:
        raise error
    try:
        ours = stored(bucket, wanted.key).writer == wanted.metadata[WRITER]
    except ClientError:
        ours = False
    if not ours and not taken:
        raise error
    return ours


@dataclass(frozen=True, slots=True)
class _Source:
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

    def check(self, key: str) -> None:
        """Complain if it was written to since it was opened."""
        if _state(self.stream) != self.state:
            raise ContractError(
                f"{self.file} was written to while it was stored as {key!r}; "
                "store it again"
            )


@contextmanager
def _opened(file: Path, key: str) -> Iterator[_Source]:
    try:
        stream = file.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(f"no file {file} to store as {key!r}") from error
    with stream:
        yield _Source(file, stream, _state(stream))


def _state(stream: BinaryIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns
