"""Writing an object: in one request, or in parts that become visible together."""

import hashlib
import math
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlops_common.errors import ContractError
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.objects.s3.errors import ERRORS, NO_SUCH_UPLOAD, TAKEN, code
from mlops_common.objects.s3.reading import DIGEST, WRITER, stored
from mlops_common.objects.s3.source import Part, Source, opened
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


def put(bucket: Bucket, key: str, data: bytes | Path, digest: str = "") -> None:
    """Store bytes or a file, whatever was there.

    Args:
        bucket: Where to.
        key: Of the object.
        data: The bytes, or the file that holds them.
        digest: SHA-256 of the file, if it is known.

    Raises:
        NotFoundError: There is no such file.
        ContractError: The file was changed meanwhile.
    """
    if isinstance(data, bytes):
        _whole(bucket, _described(key, data), data)
        return
    with opened(data, key) as source:
        if source.size <= bucket.settings.part_size_mb << 20:
            put(bucket, key, source.stream.read())
        else:
            _in_parts(bucket, _described(key, source, digest), source)


def create(bucket: Bucket, key: str, data: bytes | Path) -> bool:
    """Store bytes or a file where nothing is yet; return whether this call did.

    Raises:
        NotFoundError: There is no such file.
        ContractError: The file was changed meanwhile.
    """
    if isinstance(data, bytes):
        return _whole(bucket, _described(key, data, new=True), data)
    with opened(data, key) as source:
        wanted = _described(key, source, new=True)
        # Not all servers heed a condition at the end of an upload in parts.
        if source.size <= LARGEST_REQUEST:
            return _created(bucket, wanted, source)
        return _in_parts(bucket, wanted, source)


def _described(
    key: str, data: bytes | Source, digest: str = "", *, new: bool = False
) -> Write:
    if isinstance(data, bytes):
        size, digest = len(data), hashlib.sha256(data).hexdigest()
    else:
        size, digest = data.size, digest or data.digest()
    metadata = {DIGEST: digest, WRITER: secrets.token_hex(8)}
    return Write(key, size, metadata, {"IfNoneMatch": "*"} if new else {})


def _whole(bucket: Bucket, wanted: Write, data: bytes | Source) -> bool:
    """Store an object in one request."""

    def send(body: bytes | Part) -> dict[str, Any]:
        return bucket.once(
            "put_object",
            Key=wanted.key,
            Body=body,
            Metadata=wanted.metadata,
            **wanted.condition,
        )

    def request() -> dict[str, Any]:
        if isinstance(data, bytes):
            return send(data)
        with data.unchanged(wanted.key):
            return send(data.part(0, data.size))

    try:
        bucket.retries.call(wanted.action, request)
    except ClientError as error:
        return _was_ours(bucket, wanted, error)
    return True


def _created(bucket: Bucket, wanted: Write, source: Source) -> bool:
    """Store a new object in one request; remove it if the file was changed."""
    won = _whole(bucket, wanted, source)
    try:
        source.check(wanted.key)
    except ContractError:
        if won:
            bucket.ask("delete_object", wanted.action, Key=wanted.key)
        raise
    return won


def _in_parts(bucket: Bucket, wanted: Write, source: Source) -> bool:
    """Store an object in several requests at once; all of it appears, or nothing."""
    begun = bucket.ask(
        "create_multipart_upload",
        wanted.action,
        Key=wanted.key,
        Metadata=wanted.metadata,
    )
    upload = {"Key": wanted.key, "UploadId": begun["UploadId"]}
    try:
        parts = _sent(bucket, wanted, source, upload)
        source.check(wanted.key)
        bucket.ask(
            "complete_multipart_upload",
            wanted.action,
            MultipartUpload={"Parts": parts},
            **upload,
            **wanted.condition,
        )
    except BaseException as error:
        with suppress(*ERRORS):
            bucket.once("abort_multipart_upload", **upload)
        if isinstance(error, ClientError):
            return _was_ours(bucket, wanted, error)
        raise
    return True


def _sent(
    bucket: Bucket, wanted: Write, source: Source, upload: dict[str, str]
) -> list[dict[str, Any]]:
    """Send every part; return what the server calls them, in order."""
    size = max(bucket.settings.part_size_mb << 20, math.ceil(wanted.size / MOST_PARTS))

    def send(number: int) -> dict[str, Any]:
        start = (number - 1) * size
        part = source.part(start, min(size, wanted.size - start))

        def request() -> dict[str, Any]:
            part.seek(0)
            # The signature holds the SHA-256 of the part, which the server checks.
            with source.unchanged(wanted.key):
                return bucket.once(
                    "upload_part", PartNumber=number, Body=part, **upload
                )

        answer = bucket.retries.call(wanted.action, request)
        advance(part.size)
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
