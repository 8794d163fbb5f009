"""The S3 adapter over a server that is busy, full, or loses and damages answers."""

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
)
from mlops_common.objects.s3 import S3ObjectStore, downloads
from mlops_common.processes import LOOPBACK
from mlops_common.sections import MinioSettings
from mlops_common.testing.moto import MotoServer
from mlops_common.testing.network import CuttingProxy
from mlops_common.testing.objects import (
    LARGE,
    a_file,
    uploads_begun,
)
from mlops_common.testing.s3_faults import Fault, FaultyGateway

MANY = 10_000  # times; until the test heals the gateway


@pytest.fixture
def settings(moto: MotoServer) -> MinioSettings:
    return moto.bucket(part_size_mb=5, retries=4)


@pytest.fixture
def gateway(settings: MinioSettings) -> Iterator[FaultyGateway]:
    with FaultyGateway(settings).serving() as running:
        yield running


@pytest.fixture
def store(gateway: FaultyGateway) -> S3ObjectStore:
    """The store, by way of the gateway."""
    return S3ObjectStore(gateway.settings)


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
