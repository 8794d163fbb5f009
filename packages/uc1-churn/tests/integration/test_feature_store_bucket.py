"""Feast's files where objects lie in a bucket: stored there, and read from there."""

import datetime as dt
import json
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
from mlops_common.postgres.database import Postgres
from mlops_common.refs import DatasetRef
from mlops_common.sections import MinioSettings
from mlops_common.settings import Settings
from mlops_common.testing.moto import moto_server
from uc1_churn.feature_store.historical import schema
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.features.schema import FeatureSchema, FeatureTable

COLUMNS = FeatureSchema(
    dataset="bucket",
    entity="customer_id",
    entity_type="integer",
    numeric=("spend",),
    categorical=("plan",),
    timestamp="observed_at",
)
INSTANT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
VALUES = {
    "customer_id": [1, 2],
    "event_timestamp": [INSTANT, INSTANT],
    "spend": [1.5, None],
    "plan": ["a", "b"],
    "label": [0, 1],
}
# How Feast itself opens a file, in a process of its own.
READER = """
import json, sys
import pyarrow.parquet as pq
from feast.infra.offline_stores.file_source import FileSource
files, path = FileSource.create_filesystem_and_path(sys.argv[1], sys.argv[2])
print(json.dumps(pq.read_schema(path, filesystem=files).names))
"""


@pytest.fixture(scope="module")
def bucket() -> Iterator[MinioSettings]:
    with moto_server() as server:
        yield server.bucket()


@pytest.fixture
def platform(bucket: MinioSettings, tmp_path: Path) -> Platform:
    return Platform(Settings(home=tmp_path / "home", minio=bucket))


def written(file: Path, *names: str) -> Path:
    fields = pa.schema([schema(COLUMNS).field(name) for name in names])
    pq.write_table(pa.table([VALUES[n] for n in names], schema=fields), file)
    return file


@pytest.fixture
def features(platform: Platform, tmp_path: Path) -> DatasetRef:
    """The features in the bucket, and on this machine no longer."""
    names = [name for name in VALUES if name != "label"]
    file = written(tmp_path / "features.parquet", *names)
    ref = platform.datasets.store("bucket-features", file, prefix="features/bucket")
    file.unlink()
    shutil.rmtree(platform.settings.home, ignore_errors=True)
    return ref


def test_features_come_from_the_bucket_for_training_and_for_serving(
    platform: Platform, features: DatasetRef, postgres: Postgres, tmp_path: Path
) -> None:
    store = FeatureStore(postgres, tmp_path / "repository", database="feast_bucket")
    path = platform.datasets.path(features)
    table = FeatureTable(columns=COLUMNS, path=path)
    rows = written(tmp_path / "rows.parquet", "customer_id", "event_timestamp", "label")

    store.training_set(table, rows, tmp_path / "training.parquet")
    store.materialize(table)

    assert pq.read_table(tmp_path / "training.parquet").to_pydict() == VALUES
    assert store.online(COLUMNS, [2, 1])["plan"].to_pylist() == ["b", "a"]
    assert list(platform.objects.keys("features/bucket/")) == [features.key]
    assert platform.objects.read(features.key) == path.read_bytes()


def test_feast_itself_finds_the_file_with_the_derived_variables(
    platform: Platform, features: DatasetRef, bucket: MinioSettings, tmp_path: Path
) -> None:
    own = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    uri = platform.objects.uri(features.key)
    read = subprocess.run(
        [sys.executable, "-c", READER, uri, bucket.endpoint or ""],
        env={**own, **nowhere, **sharing.variables(bucket), "FEAST_USAGE": "False"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert read.returncode == 0, read.stderr
    found = json.loads(read.stdout.splitlines()[-1])
    assert found == [name for name in VALUES if name != "label"]
