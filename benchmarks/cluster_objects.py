"""Move 64 MiB to a bucket and back, and list 10,000 objects, against what boto3 does.

The contenders are our store, boto3's own transfer manager at the best of its settings,
and one plain HTTP request for the same bytes. The server's limit is that request with
both ends sure of the bytes, for that is the job: an upload signed with the SHA-256 of
its bytes, which the server checks; a download written to a file and hashed as it comes.
Beside them stand what leaves out a part of the job, a download that nobody checks, and
what does all of it with boto3 alone: the file hashed before, so that its SHA-256 is
noted with the object, or after, to compare.

Every download makes a file that was not there, as those of the pipelines do, whose
files are named by their digest. To replace one instead, all or nothing, costs a wait
for the disk on ext4, which writes the new one out when it takes the old one's place;
that is measured too, for those who do.

An upload whose SHA-256 is known is that of a dataset. Another one is hashed first,
which nothing else can overlap: what is noted with an object is fixed by the request
that begins its upload.

The server is Ceph's gateway over memory where it is installed, else moto's. Run:

    python benchmarks/cluster_objects.py
"""

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from hashlib import file_digest, sha256
from http.client import OK, HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import harness
from boto3.s3.transfer import TransferConfig
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from mlops_common.objects.s3 import S3ObjectStore
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.sections import MinioSettings
from mlops_common.testing import ceph
from mlops_common.testing.moto import moto_server

SIZE = 64 << 20  # bytes
OBJECTS = 10_000
CHUNKS, THREADS = (8, 16, 32), (2, 4, 8)  # MiB and number; the transfer manager's
SWEEP, ROUNDS = 3, 15
Call = Callable[[], Any]


@contextmanager
def a_bucket() -> Iterator[tuple[str, MinioSettings]]:
    """Yield the server's name and the settings of an empty bucket on it."""
    if ceph.missing():
        with moto_server() as server:
            yield "moto", server.bucket()
        return
    with ceph.ceph_store(durable=False) as store:
        settings = store.settings("bench")
        Bucket(settings).once("create_bucket")
        yield "Ceph", settings


class RawHttp:
    """One request, on a connection that is kept."""

    def __init__(self, bucket: Bucket) -> None:
        settings, place = bucket.settings, urlsplit(bucket.endpoint)
        keys = settings.secret("access_key"), settings.secret("secret_key")
        self._signer = S3SigV4Auth(Credentials(*keys), "s3", settings.region)
        self._config = bucket.client.meta.config
        self._url = f"{bucket.endpoint}/{bucket.name}/raw"
        self._connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
        self._buffer = memoryview(bytearray(1 << 20))

    def put(self, data: bytes) -> None:
        """Send the bytes, signed with their SHA-256."""
        with self._answer("PUT", data) as answer:
            answer.read()

    def get(self, target: Path) -> None:
        """Write the bytes to a file."""
        with self._answer("GET") as answer, target.open("wb", buffering=0) as file:
            while count := answer.readinto(self._buffer):
                file.write(self._buffer[:count])

    def get_checked(self, target: Path, digest: str) -> None:
        """Write the bytes to a file, and hash them as they come."""
        found = sha256()
        with self._answer("GET") as answer, target.open("wb", buffering=0) as file:
            while count := answer.readinto(self._buffer):
                file.write(self._buffer[:count])
                found.update(self._buffer[:count])
        assert found.hexdigest() == digest

    @contextmanager
    def _answer(self, method: str, data: bytes = b"") -> Iterator[HTTPResponse]:
        request = AWSRequest(method, self._url, data=data)
        request.context["client_config"] = self._config
        self._signer.add_auth(request)
        headers = dict(request.headers.items())
        self._connection.request(method, urlsplit(self._url).path, data, headers)
        with closing(self._connection.getresponse()) as answer:
            assert answer.status == OK, answer.status
            yield answer


def fastest(
    calls: Mapping[str, Call], rounds: int, *, prepare: Call | None = None
) -> dict[str, float]:
    """Return the least seconds of each call, taken in turns, each after `prepare`."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            if prepare is not None:
                prepare()
            start = time.perf_counter()
            call()
            found[name].append(time.perf_counter() - start)
    return {name: round(min(times), 4) for name, times in found.items()}


def transfers(bucket: Bucket, file: Path, copy: Path) -> dict[str, dict[str, Call]]:
    """Return boto3's upload and download at every setting of the sweep."""
    calls: dict[str, dict[str, Call]] = {"upload": {}, "download": {}}
    place, client = (bucket.name, "manager"), bucket.client
    for chunk, threads in itertools.product(CHUNKS, THREADS):
        name = f"{chunk} MiB, {threads} threads"
        config = TransferConfig(
            multipart_threshold=chunk << 20,
            multipart_chunksize=chunk << 20,
            max_concurrency=threads,
        )
        up = partial(client.upload_file, str(file), *place, Config=config)
        down = partial(client.download_file, *place, str(copy), Config=config)
        calls["upload"][name], calls["download"][name] = up, down
    return calls


def hashed(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def both(first: Call, second: Call) -> None:
    """Make two calls."""
    first()
    second()


def move(settings: MinioSettings, folder: Path) -> tuple[list[harness.Ratio], Any]:
    """Race the ways to move a file there and back."""
    bucket, store = Bucket(settings), S3ObjectStore(settings)
    file, copy, data = folder / "file", folder / "copy", os.urandom(SIZE)
    file.write_bytes(data)
    digest, raw = sha256(data).hexdigest(), RawHttp(bucket)
    manager = transfers(bucket, file, copy)
    figures: dict[str, Any] = {}
    found: dict[str, dict[str, float]] = {}
    for way in ("upload", "download"):
        clear = partial(copy.unlink, missing_ok=True) if way == "download" else None
        sweep = fastest(manager[way], SWEEP, prepare=clear)
        best = min(sweep, key=lambda name: sweep[name])
        boto3 = manager[way][best]
        if way == "upload":
            calls: dict[str, Call] = {
                "ours": lambda: store.upload("ours", file, digest=digest),
                "ours, hashed first": lambda: store.upload("ours", file),
                "one request": lambda: raw.put(data),
                "boto3": boto3,
                "boto3, hashed first": partial(both, partial(hashed, file), boto3),
            }
        else:
            calls = {
                "ours": lambda: store.download("ours", copy),
                "one request": lambda: raw.get_checked(copy, digest),
                "one request, unchecked": lambda: raw.get(copy),
                "boto3": boto3,
                "boto3, hashed after": partial(both, boto3, partial(hashed, copy)),
            }
        found[way] = seconds = fastest(calls, ROUNDS, prepare=clear)
        figures[way] = {"seconds": seconds, "boto3's best": best, "sweep": sweep}
    replaced = {"ours": calls["ours"], "boto3": calls["boto3"]}
    figures["download over a file"] = {"seconds": fastest(replaced, SWEEP)}
    return claims(found), figures


def claims(found: Mapping[str, Mapping[str, float]]) -> list[harness.Ratio]:
    """Return what the project promises of both ways, and what stands beside it."""
    limits = (
        ("upload", "ours", "boto3", "one request"),
        ("upload", "ours, hashed first", "boto3", "one request"),
        ("upload", "ours, hashed first", "boto3, hashed first", ""),
        ("download", "ours", "boto3", "one request"),
        ("download", "ours", "boto3, hashed after", "one request, unchecked"),
    )
    made = []
    for way, ours, other, request in limits:
        seconds, what = found[way], f"64 MiB {way}, {ours}"
        speed = seconds[other] / seconds[ours]
        made.append(harness.at_least(f"{what}: speed / that of {other}", speed, 0.9))
        if request:
            time_ = seconds[ours] / seconds[request]
            made.append(harness.at_most(f"{what}: time / {request}", time_, 1.2))
    return made


def listing(settings: MinioSettings) -> tuple[list[harness.Ratio], Any]:
    """Race the ways to list many small objects."""
    bucket, store = Bucket(settings), S3ObjectStore(settings)
    keys = [f"small/{number:05}" for number in range(OBJECTS)]

    def put(key: str) -> None:
        bucket.once("put_object", Key=key, Body=b"1")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, keys))

    def pages() -> list[str]:
        found: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = bucket.client.list_objects_v2(
                Bucket=bucket.name, Prefix="small/", **more
            )
            found += [item["Key"] for item in page["Contents"]]
            if not page["IsTruncated"]:
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    assert list(store.keys("small/")) == pages() == keys
    found = fastest({"ours": lambda: list(store.keys("small/")), "API": pages}, ROUNDS)
    ratio = found["ours"] / found["API"]
    return [harness.at_most("10,000 objects listed / raw calls", ratio, 1.1)], found


def main() -> None:
    """Compare, and keep the figures."""
    with a_bucket() as (server, settings), tempfile.TemporaryDirectory() as folder:
        claims, figures = move(settings, Path(folder))
        listed, seconds = listing(settings)
    figures |= {"server": server, "listing": {"seconds": seconds}}
    harness.report("cluster_objects", claims + listed, figures)


if __name__ == "__main__":
    main()
