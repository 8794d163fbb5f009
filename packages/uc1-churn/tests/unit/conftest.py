"""A platform in a temporary home, and what the steps of a small shop left in it."""

from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.refs import DatasetRef
from mlops_common.settings import Settings
from uc1_churn.refs import FeaturesRef
from uc1_churn.testing.lineage import SHAPE, store


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(Settings(home=tmp_path))


@pytest.fixture
def raw(platform: Platform, tmp_path: Path) -> DatasetRef:
    """A revision of a dataset, stored."""
    table = {
        "id": [1, 2],
        "age": [41.0, None],
        "city": ["Ulm", "Bonn"],
        "churn": [0, 1],
    }
    ref = store(platform, tmp_path, "shop", "raw/shop", table)
    return ref.model_copy(update={"revision": "shop@v3"})


@pytest.fixture
def features(platform: Platform, tmp_path: Path) -> FeaturesRef:
    """The features of two customers, and their training set, stored."""
    table = {
        "id": [1, 2],
        "event_timestamp": [0, 0],
        "age": [4.0, 5.0],
        "city": ["", ""],
    }
    known = {**table, "label": [0, 1]}
    return FeaturesRef(
        columns=SHAPE,
        table=store(platform, tmp_path, "shop-features", "features/shop", table),
        training_set=store(platform, tmp_path, "shop-training", "training/shop", known),
    )
