"""Large objects over S3: in parts, with their progress, of files that change."""

from pathlib import Path

import pytest

from mlops_common.errors import (
    ContractError,
)
from mlops_common.objects.s3 import S3ObjectStore, downloads, uploads
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.progress import Unit, listening
from mlops_common.sections import MinioSettings
from mlops_common.testing.moto import MotoServer
from mlops_common.testing.objects import (
    LARGE,
    a_file,
    uploads_begun,
)
from mlops_common.testing.steps import Recorder


@pytest.fixture
def settings(moto: MotoServer) -> MinioSettings:
    return moto.bucket(part_size_mb=5, retries=4)


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


def test_a_file_beyond_one_request_is_created_in_parts_once(
    settings: MinioSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST_REQUEST", 6 << 20)
    store, file = S3ObjectStore(settings), a_file(tmp_path, LARGE)

    assert [store.create("a", file) for _ in range(2)] == [True, False]
    assert store.read("a") == file.read_bytes()
    assert uploads_begun(settings) == []


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
