"""The S3 adapter over a real server with logins, clocks and a disk: Ceph's gateway."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mlops_common.errors import BackendError, ConfigError
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.s3 import S3ObjectStore
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.processes import wait_until
from mlops_common.sections import MinioSettings
from mlops_common.testing.ceph import CephStore, ceph_store
from mlops_common.testing.objects import LARGE, RACERS, ObjectStoreContract, a_file
from mlops_common.testing.s3_faults import Fault, FaultyGateway

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PATIENCE = 120.0  # seconds
OUTAGE = 20.0  # seconds
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def ceph() -> Iterator[CephStore]:
    with ceph_store() as running:
        yield running


@pytest.fixture
def settings(ceph: CephStore) -> MinioSettings:
    made = ceph.settings(f"bucket-{next(numbers)}", part_size_mb=5)
    Bucket(made).once("create_bucket")
    return made


class TestS3ObjectStoreOnCeph(ObjectStoreContract):
    @pytest.fixture
    def store(self, settings: MinioSettings) -> ObjectStore:
        return S3ObjectStore(settings)


@pytest.mark.parametrize("key", ["access_key", "secret_key"])
def test_a_wrong_key_names_the_settings(settings: MinioSettings, key: str) -> None:
    wrong = settings.model_copy(update={key: SecretStr("wrong-hunter2")})
    store = S3ObjectStore(wrong)

    for use in (lambda: store.put("a", b""), lambda: store.read("a")):
        with pytest.raises(ConfigError, match=r"check minio\.access_key") as caught:
            use()
        assert "hunter2" not in str(caught.value)


def test_a_clock_that_is_wrong_is_told_with_the_difference(
    settings: MinioSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore import auth

    right = auth.get_current_datetime

    def behind(*args: Any, **kwargs: Any) -> datetime:
        now: datetime = right(*args, **kwargs)
        return now - timedelta(hours=1)

    monkeypatch.setattr(auth, "get_current_datetime", behind)
    store = S3ObjectStore(settings)

    for use in (lambda: store.put("a", b""), lambda: store.read("a")):
        with pytest.raises(ConfigError, match=r"the clock of this machine .* NTP"):
            use()


def test_of_writers_with_clients_of_their_own_one_creates_a_file(
    settings: MinioSettings, tmp_path: Path
) -> None:
    files = [tmp_path / str(number) for number in range(RACERS)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * (6 << 20))
    start = threading.Barrier(RACERS)

    def race(file: Path) -> bool:
        store = S3ObjectStore(settings)
        start.wait(PATIENCE)
        return store.create("a", file)

    with ThreadPoolExecutor(RACERS) as pool:
        won = list(pool.map(race, files))

    assert won.count(True) == 1
    assert S3ObjectStore(settings).read("a") == files[won.index(True)].read_bytes()


def test_bytes_that_change_on_the_way_to_the_server_are_sent_again(
    settings: MinioSettings, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    with FaultyGateway(settings).serving() as gateway:
        gateway.spoil(Fault("damage upload", "PUT"))
        S3ObjectStore(gateway.settings).upload("a", file)

    assert gateway.spoiled == 1
    assert S3ObjectStore(settings).read("a") == file.read_bytes()


def test_an_upload_outlasts_an_outage_of_twenty_seconds(
    settings: MinioSettings, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    with FaultyGateway(settings).serving() as gateway:
        for method in ("PUT", "POST", "GET", "HEAD"):
            gateway.spoil(Fault("refuse", method, times=10_000))
        healing = threading.Timer(OUTAGE, gateway.heal)
        healing.start()
        S3ObjectStore(gateway.settings).upload("a", file)
        healing.join()

    assert gateway.spoiled > 4
    assert S3ObjectStore(settings).read("a") == file.read_bytes()


def test_a_store_whose_quota_is_used_up_says_so(
    ceph: CephStore, settings: MinioSettings, tmp_path: Path
) -> None:
    ceph.limit(settings.bucket_name, megabytes=1)
    store = S3ObjectStore(settings)

    with pytest.raises(BackendError, match=r"is full \(QuotaExceeded\); free"):
        store.upload("a", a_file(tmp_path, 4 << 20))
    with pytest.raises(BackendError, match=r"is full \(QuotaExceeded\); free"):
        store.upload("a", a_file(tmp_path, LARGE))

    assert list(store.keys()) == []
    assert Bucket(settings).once("list_multipart_uploads").get("Uploads", []) == []


def test_an_upload_goes_on_after_the_store_was_killed_in_its_middle(
    ceph: CephStore, settings: MinioSettings, tmp_path: Path
) -> None:
    file = a_file(tmp_path, 64 << 20)
    slow = settings.model_copy(update={"parallel_parts": 1})
    store = S3ObjectStore(settings)
    store.put("before", b"kept")
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(S3ObjectStore(slow).upload, "a", file)
        assert wait_until(lambda: parts_of(settings) >= 2, PATIENCE)
        ceph.kill()
        assert not uploading.done()
        ceph.start()
        uploading.result(PATIENCE)

    assert store.read("a") == file.read_bytes()
    assert store.read("before") == b"kept"
    assert list(store.keys()) == ["a", "before"]


def parts_of(settings: MinioSettings) -> int:
    """Return how many parts of the one upload in parts have arrived."""
    bucket = Bucket(settings)
    begun = bucket.once("list_multipart_uploads").get("Uploads", ())
    return sum(
        len(
            bucket.once("list_parts", Key=each["Key"], UploadId=each["UploadId"]).get(
                "Parts", ()
            )
        )
        for each in begun
    )
