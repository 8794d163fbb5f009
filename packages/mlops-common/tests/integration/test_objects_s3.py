"""The S3 adapter over moto's server, which knows no logins; faults are a double's."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
)
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.s3 import S3ObjectStore, downloads, uploads
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.processes import LOOPBACK
from mlops_common.progress import Unit, listening
from mlops_common.sections import MinioSettings
from mlops_common.testing.moto import MotoServer, moto_server
from mlops_common.testing.network import CuttingProxy
from mlops_common.testing.objects import LARGE, ObjectStoreContract, a_file
from mlops_common.testing.s3_faults import Fault, FaultyGateway
from mlops_common.testing.steps import Recorder

MANY = 10_000  # times; until the test heals the gateway


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with moto_server() as running:
        yield running


@pytest.fixture
def settings(server: MotoServer) -> MinioSettings:
    return server.bucket(part_size_mb=5, retries=4)


@pytest.fixture
def gateway(settings: MinioSettings) -> Iterator[FaultyGateway]:
    with FaultyGateway(settings).serving() as running:
        yield running


@pytest.fixture
def store(gateway: FaultyGateway) -> S3ObjectStore:
    """The store, by way of the gateway."""
    return S3ObjectStore(gateway.settings)


class TestS3ObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, settings: MinioSettings) -> ObjectStore:
        return S3ObjectStore(settings)


def uploads_begun(settings: MinioSettings) -> list[str]:
    """Return the keys of uploads in parts that are neither ended nor given up."""
    found = Bucket(settings).once("list_multipart_uploads")
    return [upload["Key"] for upload in found.get("Uploads", ())]


def by_way_of(proxy: CuttingProxy, settings: MinioSettings) -> S3ObjectStore:
    endpoint = f"http://{LOOPBACK}:{proxy.port}"
    return S3ObjectStore(settings.model_copy(update={"endpoint": endpoint}))


def cutting(settings: MinioSettings, *, after: int, cuts: int) -> CuttingProxy:
    port = urlsplit(settings.endpoint or "").port or 0
    return CuttingProxy(LOOPBACK, port, after=after, cuts=cuts)


def test_an_upload_outlasts_a_server_that_is_busy(
    gateway: FaultyGateway,
    store: S3ObjectStore,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = a_file(tmp_path, LARGE)
    for method in ("PUT", "POST"):
        gateway.spoil(Fault("refuse", method, times=2))

    with caplog.at_level(logging.WARNING):
        store.upload("a", file)

    assert store.read("a") == file.read_bytes()
    assert gateway.spoiled == 4
    assert "cannot write object 'a': " in caplog.text
    assert "trying again in" in caplog.text


def test_a_download_outlasts_a_server_that_is_busy(
    gateway: FaultyGateway, store: S3ObjectStore, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    store.upload("a", file)
    gateway.spoil(Fault("refuse", "HEAD"))
    gateway.spoil(Fault("refuse", "GET", times=2, status=500, code="InternalError"))
    store.download("a", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == file.read_bytes()
    assert gateway.spoiled == 3


def test_a_connection_that_is_reset_in_an_upload_is_taken_up(
    settings: MinioSettings, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    with cutting(settings, after=1 << 20, cuts=3).serving() as proxy:
        by_way_of(proxy, settings).upload("a", file)

    assert S3ObjectStore(settings).read("a") == file.read_bytes()
    assert proxy.done == 3
    assert uploads_begun(settings) == []


def test_a_connection_that_is_reset_in_a_download_is_taken_up_where_it_broke(
    settings: MinioSettings, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    S3ObjectStore(settings).upload("a", file)
    with cutting(settings, after=1 << 20, cuts=3).serving() as proxy:
        by_way_of(proxy, settings).download("a", tmp_path / "copy")
    with cutting(settings, after=1 << 20, cuts=3).serving() as another:
        read = by_way_of(another, settings).read("a")

    assert (tmp_path / "copy").read_bytes() == read == file.read_bytes()
    assert (proxy.done, another.done) == (3, 3)


@pytest.mark.parametrize(
    ("fast", "requests"),
    [pytest.param(1, 1, id="near"), pytest.param(1 << 60, 3, id="far")],
)
def test_an_object_comes_in_parts_at_once_from_a_server_that_is_far_away(
    settings: MinioSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fast: int,
    requests: int,
) -> None:
    monkeypatch.setattr(downloads, "FAST", fast)
    file = a_file(tmp_path, LARGE)
    store, steps = S3ObjectStore(settings), Recorder()
    store.upload("a", file)
    asked: list[str] = []
    once = Bucket.once

    def counted(bucket: Bucket, operation: str, **arguments: object) -> object:
        asked.append(operation)
        return once(bucket, operation, **arguments)

    monkeypatch.setattr(Bucket, "once", counted)
    with listening(steps):
        store.download("a", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == file.read_bytes()
    assert steps.seen == [("Download a", LARGE, "bytes", LARGE)]
    assert asked == ["head_object", *["get_object"] * requests]


@pytest.mark.parametrize("fast", [1, 1 << 60], ids=["near", "far"])
def test_a_large_object_that_changed_on_the_way_is_no_file(
    gateway: FaultyGateway,
    store: S3ObjectStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fast: int,
) -> None:
    monkeypatch.setattr(downloads, "FAST", fast)
    store.upload("a", a_file(tmp_path, LARGE))
    # What is left of the first answer is not read where parts follow.
    gateway.spoil(Fault("damage download", "GET", times=3))

    with pytest.raises(ContractError, match=r"'a' in bucket .* was altered"):
        store.download("a", tmp_path / "copy")

    assert not (tmp_path / "copy").exists()


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(
    settings: MinioSettings,
) -> None:
    store = S3ObjectStore(settings)
    store.put("a", b"old" * (2 << 20))
    with store.open("a") as stream:
        stream.seek(1 << 20)
        store.put("a", b"new" * (2 << 20))
        with pytest.raises(BackendError, match="replaced meanwhile"):
            stream.read()


@pytest.mark.parametrize("size", [5, LARGE])
def test_a_store_that_is_full_says_so_at_once(
    gateway: FaultyGateway, store: S3ObjectStore, tmp_path: Path, size: int
) -> None:
    file = a_file(tmp_path, size)
    store.put("a", b"old")
    gateway.spoil(Fault("refuse", "PUT", status=507, code="XMinioStorageFull"))

    with pytest.raises(BackendError, match=r"is full \(XMinioStorageFull\); free"):
        store.upload("a", file)

    assert store.read("a") == b"old"
    assert uploads_begun(gateway.settings) == []


@pytest.mark.parametrize(
    ("status", "code", "expected", "said"),
    [
        (403, "QuotaExceeded", BackendError, "raise the quota"),
        (403, "RequestTimeTooSkewed", ConfigError, "clock of this machine"),
        (403, "AccessDenied", ConfigError, "grant that access"),
        (403, "InvalidAccessKeyId", ConfigError, r"check minio\.access_key"),
        (400, "Whatever", BackendError, r"Whatever on demand \(Whatever\)"),
    ],
)
def test_a_refusal_says_what_to_do(
    gateway: FaultyGateway,
    store: S3ObjectStore,
    status: int,
    code: str,
    expected: type[Exception],
    said: str,
) -> None:
    gateway.spoil(Fault("refuse", "PUT", status=status, code=code, times=MANY))

    with pytest.raises(expected, match=said) as caught:
        store.put("a", b"")

    assert gateway.spoiled == 1
    assert str(gateway.settings.endpoint) in str(caught.value)
    assert "moto-secret" not in str(caught.value)


def test_a_server_that_stays_busy_is_given_up(
    gateway: FaultyGateway, tmp_path: Path
) -> None:
    store = S3ObjectStore(gateway.settings.model_copy(update={"retries": 1}))
    gateway.spoil(Fault("refuse", "PUT", path="partNumber", times=MANY))

    with pytest.raises(BackendError, match="SlowDown on demand"):
        store.upload("a", a_file(tmp_path, LARGE))

    assert uploads_begun(gateway.settings) == []
    assert list(store.keys()) == []


@pytest.mark.parametrize("size", [5, LARGE])
def test_who_created_an_object_and_lost_the_answer_is_told_so(
    gateway: FaultyGateway, store: S3ObjectStore, tmp_path: Path, size: int
) -> None:
    file = a_file(tmp_path, size)
    gateway.spoil(Fault("lose", "PUT"))

    assert store.create("a", file)
    assert not store.create("a", file)
    assert gateway.spoiled == 1


def test_an_upload_in_parts_whose_last_answer_is_lost_is_done(
    gateway: FaultyGateway, store: S3ObjectStore, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    gateway.spoil(Fault("lose", "POST", path="uploadId"))
    store.upload("a", file)

    assert store.read("a") == file.read_bytes()
    assert gateway.spoiled == 1


def test_a_file_beyond_one_request_is_created_in_parts_once(
    settings: MinioSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST_REQUEST", 6 << 20)
    store, file = S3ObjectStore(settings), a_file(tmp_path, LARGE)

    assert [store.create("a", file) for _ in range(2)] == [True, False]
    assert store.read("a") == file.read_bytes()
    assert uploads_begun(settings) == []


def test_bytes_that_change_on_the_way_are_noticed(
    gateway: FaultyGateway, store: S3ObjectStore, tmp_path: Path
) -> None:
    store.put("a", b"value")
    gateway.spoil(Fault("damage download", "GET", times=3))

    with pytest.raises(ContractError, match=r"'a' in bucket .* was altered"):
        store.download("a", tmp_path / "copy")
    with pytest.raises(ContractError, match="was altered"):
        store.read("a")
    with pytest.raises(ContractError, match="was altered"), store.open("a") as stream:
        stream.read()

    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("size", [0, 5, LARGE - 1, LARGE])
def test_a_file_that_is_written_to_while_it_is_stored_is_no_object(
    settings: MinioSettings, tmp_path: Path, size: int
) -> None:
    file = a_file(tmp_path, LARGE)
    store = S3ObjectStore(settings)

    class Writer(Recorder):
        def opened(self, description: str, total: float | None, unit: Unit) -> None:
            super().opened(description, total, unit)
            file.write_bytes(bytes(size))

    with (
        listening(Writer()),
        pytest.raises(ContractError, match="was written to while it was stored"),
    ):
        store.upload("a", file)

    assert list(store.keys()) == []
    assert uploads_begun(settings) == []


def test_a_file_that_is_cut_off_while_it_is_created_is_no_object(
    gateway: FaultyGateway, store: S3ObjectStore, tmp_path: Path
) -> None:
    file = a_file(tmp_path, LARGE)
    # Between the first try and the second, while the log tells of the first.
    gateway.spoil(Fault("refuse", "PUT"))
    log = logging.getLogger("mlops_common.objects.s3.retries")

    def cut_off(_: logging.LogRecord) -> bool:
        file.write_bytes(b"other")
        return True

    log.addFilter(cut_off)
    try:
        with pytest.raises(ContractError, match="was written to while it was stored"):
            store.create("a", file)
    finally:
        log.removeFilter(cut_off)

    assert list(store.keys()) == []


def test_the_bytes_of_a_transfer_are_shown(
    settings: MinioSettings, tmp_path: Path
) -> None:
    store, steps = S3ObjectStore(settings), Recorder()
    with listening(steps):
        store.upload("a", a_file(tmp_path, LARGE))
        store.download("a", tmp_path / "copy")

    assert steps.seen == [
        ("Upload a", LARGE, "bytes", LARGE),
        ("Download a", LARGE, "bytes", LARGE),
    ]


def test_a_bucket_that_is_missing_names_the_setting(settings: MinioSettings) -> None:
    store = S3ObjectStore(settings.model_copy(update={"bucket": "absent"}))

    for use in (
        lambda: store.put("a", b""),
        lambda: store.read("a"),
        lambda: list(store.keys()),
    ):
        with pytest.raises(ConfigError, match=r"no bucket 'absent'; create it, or set"):
            use()


def test_a_server_that_is_away_is_waited_for_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = MinioSettings.model_validate(
        {
            "endpoint": f"http://{LOOPBACK}:9",
            "access_key": "a",
            "secret_key": "hunter2",
            "retries": 1,
        }
    )
    with pytest.raises(BackendError, match=r"that minio\.endpoint is right") as caught:
        S3ObjectStore(settings).put("a", b"")

    assert f"{LOOPBACK}:9" in str(caught.value)
    assert "(1 of 1)" in caplog.text
    assert "hunter2" not in str(caught.value)


def test_an_endpoint_that_is_no_url_is_told() -> None:
    settings = MinioSettings(endpoint="minio:9000")
    with pytest.raises(ConfigError, match=r"expected one such as http://minio:9000"):
        S3ObjectStore(settings).put("a", b"")


def test_without_any_keys_the_settings_are_named(
    settings: MinioSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    bare = settings.model_copy(update={"access_key": None, "secret_key": None})

    with pytest.raises(ConfigError, match=r"set minio\.access_key_file"):
        S3ObjectStore(bare).put("a", b"")


def test_keys_may_come_from_files_or_from_the_sdk(
    settings: MinioSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("access_key", "secret_key"):
        (tmp_path / name).write_text(f"of-a-file-{name}\n", "utf-8")
    bare = settings.model_copy(update={"access_key": None, "secret_key": None})
    files = {f"{n}_file": tmp_path / n for n in ("access_key", "secret_key")}
    S3ObjectStore(bare.model_copy(update=files)).put("a", b"1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-sdk")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-sdk")

    assert S3ObjectStore(bare).read("a") == b"1"


def test_what_another_program_wrote_is_read_and_hashed(settings: MinioSettings) -> None:
    Bucket(settings).once("put_object", Key="a", Body=b"value")
    store = S3ObjectStore(settings)

    assert store.read("a") == b"value"
    assert store.digest("a").startswith("cd42404d")


def test_more_keys_than_a_page_are_listed(settings: MinioSettings) -> None:
    store = S3ObjectStore(settings)
    bucket = Bucket(settings)
    keys = [f"n/{number:04}" for number in range(1_050)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.once("put_object", Key=key, Body=b""), keys))

    assert list(store.keys("n/")) == keys


def test_an_absent_key_of_a_listing_is_no_error(settings: MinioSettings) -> None:
    store = S3ObjectStore(settings)
    store.put("ab", b"")

    with pytest.raises(NotFoundError):
        store.digest("a")
    assert list(store.keys("x")) == []
