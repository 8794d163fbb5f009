"""The S3 adapter over moto's server, which knows no logins."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    NotFoundError,
)
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.s3 import S3ObjectStore
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.processes import LOOPBACK
from mlops_common.sections import MinioSettings
from mlops_common.testing.moto import MotoServer
from mlops_common.testing.objects import (
    ObjectStoreContract,
)


@pytest.fixture
def settings(moto: MotoServer) -> MinioSettings:
    return moto.bucket(part_size_mb=5, retries=4)


class TestS3ObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, settings: MinioSettings) -> ObjectStore:
        return S3ObjectStore(settings)


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
