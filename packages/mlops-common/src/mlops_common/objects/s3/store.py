"""Objects in a bucket."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from mlops_common.files import replacing
from mlops_common.health import Health
from mlops_common.objects.base import checked, span
from mlops_common.objects.s3 import downloads, health, reading, uploads
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.progress import step
from mlops_common.sections import MinioSettings


class S3ObjectStore:
    """Objects in one bucket of any server that speaks the S3 API.

    Every write notes the SHA-256 of its bytes with the object, and every read of the
    whole is checked against it. Large files travel in parts, several at once.

    Args:
        settings: The server, the bucket, the keys, and how to transfer.
    """

    def __init__(self, settings: MinioSettings) -> None:
        self._bucket = Bucket(settings)

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`; return its URI."""
        return self._write(key, data)

    def upload(self, key: str, source: Path, *, digest: str = "") -> str:
        """Store the file `source` under `key`; return its URI."""
        return self._write(key, source, digest)

    def create(self, key: str, data: bytes | Path) -> bool:
        """Store bytes or a file under `key` unless something is there already.

        A file of up to 5 GiB goes in one request; a larger one needs a server that
        heeds `If-None-Match` at the end of an upload in parts, as AWS and MinIO do.
        """
        with self._bucket.translated(f"write object {checked(key)!r}"):
            return uploads.create(self._bucket, key, data)

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """Open the object under `key` for reading."""
        raw = reading.Stream(self._bucket, self._stored(key))
        with io.BufferedReader(raw, reading.BLOCK) as stream:
            yield cast("BinaryIO", stream)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from `start` up to `stop`, as a slice does."""
        found = self._stored(key)
        begin, end = span(start, stop, found.size)
        with self._bucket.translated(f"read object {key!r}", key):
            data = b"".join(reading.blocks(self._bucket, found, begin, end))
        if len(data) == found.size:
            reading.check(self._bucket, found, hashlib.sha256(data).hexdigest())
        return data

    def download(self, key: str, target: Path) -> None:
        """Copy the object under `key` to the file `target`."""
        found = self._stored(key)
        with (
            self._bucket.translated(f"read object {key!r}", key),
            replacing(target, flush=False) as partial,
            step(f"Download {key}", found.size, unit="bytes") as advance,
        ):
            digest = downloads.fetch(self._bucket, found, partial, advance)
            reading.check(self._bucket, found, digest)

    def digest(self, key: str) -> str:
        """Return the SHA-256 of the object under `key`, as its writer noted it."""
        if noted := self._stored(key).digest:
            return noted
        with self.open(key) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the stored keys that start with `prefix`, in sorted order."""
        action = f"list the objects below {prefix!r}"
        arguments: dict[str, Any] = {"Prefix": prefix}
        with self._bucket.translated(action):
            while True:
                page = self._bucket.ask("list_objects_v2", action, **arguments)
                yield from (item["Key"] for item in page.get("Contents", ()))
                if not page.get("IsTruncated"):
                    return
                arguments["ContinuationToken"] = page["NextContinuationToken"]

    def delete(self, key: str) -> None:
        """Remove the object under `key`."""
        action = f"delete object {checked(key)!r}"
        with self._bucket.translated(action):
            self._bucket.ask("delete_object", action, Key=key)

    def uri(self, key: str) -> str:
        """Return the `s3://` URI of `key`."""
        return f"s3://{self._bucket.name}/{checked(key)}"

    def health(self) -> Health:
        """Tell whether the bucket can be used, and what it guarantees."""
        # Whoever asks wants to hear of a failure, not to wait for its end.
        settings = self._bucket.settings.model_copy(update={"retries": 0})
        impatient = S3ObjectStore(settings)
        return health.examine(impatient, impatient._bucket)

    def _write(self, key: str, data: bytes | Path, digest: str = "") -> str:
        with self._bucket.translated(f"write object {checked(key)!r}"):
            uploads.put(self._bucket, key, data, digest)
        return self.uri(key)

    def _stored(self, key: str) -> reading.Stored:
        with self._bucket.translated(f"read object {checked(key)!r}", key):
            return reading.stored(self._bucket, key)
