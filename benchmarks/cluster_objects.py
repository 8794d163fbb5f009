"""Move 64 MiB to a bucket and back, and list 10,000 objects, against what boto3 does.

The contenders are our store, boto3's own transfer manager at the best of its settings,
and the server's limit: one plain HTTP request for the same bytes, signed so that the
server checks them, or written to a file. An upload whose SHA-256 is known is that of a
dataset; another one is hashed first.
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
from hashlib import sha256
from http.client import OK, HTTPConnection
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
    """The server's limit: one request, on a connection that is kept."""

    def __init__(self, bucket: Bucket) -> None:
        settings, place = bucket.settings, urlsplit(bucket.endpoint)
        keys = settings.secret("access_key"), settings.secret("secret_key")
        self._signer = S3SigV4Auth(Credentials(*keys), "s3", settings.region)
        self._config = bucket.client.meta.config
        self._url = f"{bucket.endpoint}/{bucket.name}/raw"
        self._connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
        self._buffer = memoryview(bytearray(1 << 20))

    def put(self, data: bytes) -> None:
        """Send the bytes."""
        self._request("PUT", data, os.devnull)

    def get(self, target: Path) -> None:
        """Write the bytes to a file."""
        self._request("GET", b"", target)

    def _request(self, method: str, data: bytes, target: Path | str) -> None:
        request = AWSRequest(method, self._url, data=data)
        request.context["client_config"] = self._config
        self._signer.add_auth(request)
        headers = dict(request.headers.items())
        self._connection.request(method, urlsplit(self._url).path, data, headers)
        with (
            closing(self._connection.getresponse()) as answer,
            Path(target).open("wb", buffering=0) as file,
        ):
            assert answer.status == OK, answer.status
            while count := answer.readinto(self._buffer):
                file.write(self._buffer[:count])


def fastest(calls: Mapping[str, Call], rounds: int) -> dict[str, float]:
    """Return the least seconds of each call, taken in turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
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


def move(settings: MinioSettings, folder: Path) -> tuple[list[harness.Ratio], Any]:
    """Race the ways to move a file there and back."""
    bucket, store = Bucket(settings), S3ObjectStore(settings)
    file, copy, data = folder / "file", folder / "copy", os.urandom(SIZE)
    file.write_bytes(data)
    digest, raw = sha256(data).hexdigest(), RawHttp(bucket)
    manager = transfers(bucket, file, copy)
    ours: dict[str, dict[str, Call]] = {
        "upload": {
            "ours": lambda: store.upload("ours", file, digest=digest),
            "ours, hashed first": lambda: store.upload("ours", file),
            "raw HTTP": lambda: raw.put(data),
        },
        "download": {
            "ours": lambda: store.download("ours", copy),
            "raw HTTP": lambda: raw.get(copy),
        },
    }
    claims: list[harness.Ratio] = []
    figures: dict[str, Any] = {}
    for way in ("upload", "download"):
        sweep = fastest(manager[way], SWEEP)
        best = min(sweep, key=lambda name: sweep[name])
        found = fastest({**ours[way], "boto3": manager[way][best]}, ROUNDS)
        figures[way] = {"seconds": found, "boto3's best": best, "boto3's sweep": sweep}
        claims += compared(way, found)
    return claims, figures


def compared(way: str, found: Mapping[str, float]) -> Iterator[harness.Ratio]:
    """Yield the claims about one way."""
    for name in (name for name in found if name.startswith("ours")):
        speed, time_ = found["boto3"] / found[name], found[name] / found["raw HTTP"]
        what = f"64 MiB {way}, {name}"
        yield harness.at_least(f"{what}: speed / that of boto3", speed, 0.9)
        yield harness.at_most(f"{what}: time / one HTTP request", time_, 1.2)


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
