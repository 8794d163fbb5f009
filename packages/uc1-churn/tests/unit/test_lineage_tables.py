"""What a stored table says of itself, and how seldom it is looked at."""

import functools
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.local import LocalObjectStore
from mlops_common.settings import Settings
from uc1_churn.lineage import features as features_lineage
from uc1_churn.lineage import (
    source,
    tables,
)
from uc1_churn.refs import FeaturesRef
from uc1_churn.testing.lineage import (
    store,
)


def test_an_object_is_looked_at_once(
    platform: Platform, features: FeaturesRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = features_lineage.read(platform, features)

    def gone(_: object, __: object) -> None:
        raise AssertionError("it was looked at again")

    monkeypatch.setattr(tables, "_described", gone)

    assert features_lineage.read(platform, features) == first
    assert first.version == features.table.digest


def test_an_object_elsewhere_is_told_by_the_copy_that_this_machine_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(LocalObjectStore):
        def uri(self, key: str) -> str:
            return f"s3://lake/{key}"

    class Away(Platform):
        @functools.cached_property
        def objects(self) -> ObjectStore:
            return Elsewhere(self.settings.home / "elsewhere")

    def fetch(_: object, key: str) -> NoReturn:
        raise AssertionError(f"{key} was fetched")

    platform = Away(Settings(home=tmp_path))
    ref = store(platform, tmp_path, "shop", "raw/shop", {"id": [1, 2]})
    monkeypatch.setattr(Elsewhere, "open", fetch)

    found = source.stored(platform, ref)

    assert (found.rows, found.uri) == (2, f"s3://lake/{ref.key}")


def test_nested_columns_are_not_counted(tmp_path: Path) -> None:
    file = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"id": [1], "place": [{"x": 1, "y": 2}]}), file)

    assert tables.metrics(file) == {}
