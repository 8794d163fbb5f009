"""DVC, MLflow and pyarrow in the bucket that the section `minio` names."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.objects import sharing
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.refs import DatasetRef
from mlops_common.sections import MinioSettings, MlflowSettings
from mlops_common.settings import Settings
from mlops_common.testing.ceph import ceph_store
from mlops_common.testing.moto import MotoServer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def on_moto(moto: MotoServer) -> Iterator[MinioSettings]:
    yield moto.bucket()


def on_ceph(_: MotoServer) -> Iterator[MinioSettings]:
    with ceph_store() as server:
        settings = server.settings("shared")
        Bucket(settings).once("create_bucket")
        yield settings


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(on_moto, id="moto"),
        pytest.param(on_ceph, id="ceph", marks=pytest.mark.cluster),
    ],
)
def settings(
    request: pytest.FixtureRequest, moto: MotoServer
) -> Iterator[MinioSettings]:
    yield from request.param(moto)


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no other login, and leave none to the next test."""
    for name in [*os.environ]:
        if name.startswith(("AWS_", "MLFLOW_")):
            monkeypatch.delenv(name)
    names = sharing.variables(
        MinioSettings.model_validate(
            {"endpoint": "x", "ca_file": "x", "access_key": "x", "secret_key": "x"}
        )
    )
    for name in names:
        # Set and deleted, so that what a library sets is undone in the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))


@pytest.fixture
def platform(settings: MinioSettings, tmp_path: Path) -> Platform:
    home = tmp_path / "home"
    mlflow = MlflowSettings(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    return Platform(Settings(home=home, minio=settings, mlflow=mlflow))


def stored(platform: Platform, folder: Path, *ids: int) -> DatasetRef:
    file = folder / "customers.parquet"
    pq.write_table(pa.table({"customer_id": ids}), file)
    return platform.datasets.store("customers", file, prefix="raw")


def secret_of(settings: MinioSettings) -> str:
    assert settings.secret_key is not None
    return settings.secret_key.get_secret_value()


def test_a_version_of_a_dataset_comes_back_from_the_bucket(
    platform: Platform, settings: MinioSettings, tmp_path: Path
) -> None:
    ref = platform.datasets.version(stored(platform, tmp_path, 1, 2))
    home = platform.settings.home
    shutil.rmtree(home / "datasets.downloads")
    assert pq.read_table(platform.datasets.path(ref)).num_rows == 2
    platform.objects.delete(ref.key)
    shutil.rmtree(home / "datasets.downloads")
    shutil.rmtree(home / "datasets" / ".dvc" / "cache")

    assert pq.read_table(platform.datasets.path(ref)).num_rows == 2
    assert any(platform.objects.keys("dvc/"))
    for file in home.rglob("*"):
        if file.is_file():
            assert secret_of(settings).encode() not in file.read_bytes(), file


def test_dvc_itself_pulls_with_the_derived_variables(
    platform: Platform, settings: MinioSettings, tmp_path: Path
) -> None:
    ref = platform.datasets.version(stored(platform, tmp_path, 7))
    repository = platform.settings.home / "datasets"
    shutil.rmtree(repository / ".dvc" / "cache")
    (repository / "customers.parquet").unlink()
    subprocess.run(
        [sys.executable, "-m", "dvc", "pull"],
        cwd=repository,
        env={**os.environ, **sharing.variables(settings)},
        check=True,
        capture_output=True,
        timeout=240,
    )

    pulled = (repository / "customers.parquet").read_bytes()
    assert pulled == platform.datasets.path(ref).read_bytes()


def test_a_dataset_is_not_read_over_the_network_to_learn_that_it_is_there(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = stored(platform, tmp_path, 3)
    asked: list[str] = []
    once = Bucket.once

    def counted(
        bucket: Bucket, operation: str, **arguments: object
    ) -> dict[str, object]:
        asked.append(operation)
        return once(bucket, operation, **arguments)

    monkeypatch.setattr(Bucket, "once", counted)

    assert stored(platform, tmp_path, 3) == ref
    assert platform.datasets.path(ref).exists()
    assert asked == ["head_object"]


def test_files_of_a_run_lie_in_the_bucket(platform: Platform) -> None:
    with platform.tracking.run("tests", name="a test", key="k", tags={}) as run:
        run.log_files({"plots/roc.json": b"[1]"})

    assert platform.tracking.read_json(run.id, "plots/roc.json") == [1]
    keys = [key for key in platform.objects.keys("mlflow/tests/") if run.id in key]
    assert [platform.objects.read(key) for key in keys] == [b"[1]"]


def test_pyarrow_reads_what_the_store_wrote_and_the_other_way_round(
    platform: Platform, settings: MinioSettings, tmp_path: Path
) -> None:
    ref = stored(platform, tmp_path, *range(1000))
    filesystem = sharing.arrow_filesystem(settings)
    place = f"{settings.bucket_name}/{ref.key}"
    table = pq.read_table(place, filesystem=filesystem)
    pq.write_table(table, f"{settings.bucket_name}/copy.parquet", filesystem=filesystem)

    with platform.objects.open("copy.parquet") as stream:
        assert pq.read_table(stream) == table
    assert table.num_rows == 1000


def test_the_keys_are_in_no_repr(platform: Platform, settings: MinioSettings) -> None:
    remote = platform.datasets.repository.dvc.remote

    assert secret_of(settings) not in f"{remote!r} {platform!r} {settings!r}"
