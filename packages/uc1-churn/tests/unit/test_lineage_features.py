"""Where each feature comes from, and where it is served."""

from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.refs import DatasetRef
from mlops_common.sections import FeastSettings, PostgresSettings, RedisSettings
from mlops_common.settings import Settings
from uc1_churn.lineage import features as features_lineage
from uc1_churn.lineage import (
    places,
)
from uc1_churn.refs import FeaturesRef
from uc1_churn.testing.lineage import SHAPE, SPEC, named, origins


def test_each_feature_leads_to_its_source_column(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> None:
    found = features_lineage.derived_table(platform, raw, features)

    assert origins(found) == {
        "id": ["shop.id"],
        "age": ["shop.age"],
        "city": ["shop.city"],
        "event_timestamp": ["shop.at"],
    }
    assert {field.name for field in found.fields} == {*found.origins}


def test_a_training_set_is_joined_of_labels_and_features(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> None:
    found = features_lineage.training_set(platform, raw, SPEC, features)

    table = places.stored(platform, features.table.key)
    assert {*map(named, found.origins["age"])} == {(str(table), "age")}
    assert origins(found)["label"] == ["shop.churn"]
    assert {field.name for field in found.fields} == {*found.origins}
    assert {(o.field, o.subtype) for o in found.influences} == {
        ("id", "JOIN"),
        ("event_timestamp", "JOIN"),
    }


def test_a_dataset_without_instants_tells_none(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> None:
    shape = SHAPE.model_copy(update={"timestamp": None})
    timeless = features.model_copy(update={"columns": shape})

    found = features_lineage.derived_table(platform, raw, timeless)

    assert "event_timestamp" not in found.origins


def test_online_features_are_those_of_the_definitions_and_a_table_of_postgres(
    platform: Platform, features: FeaturesRef
) -> None:
    found = features_lineage.online(platform, features)

    assert str(found.name) == "feast://shop/customer_features"
    assert {field.name: field.type for field in found.fields} == {
        "id": "Int64",
        "age": "Float64",
        "city": "String",
    }
    assert {field.name for field in found.fields} == {*found.origins}
    assert [*map(str, found.symlinks)] == [
        "postgres://localhost:5432/feast.public.shop_customer_features"
    ]


@pytest.mark.parametrize(
    ("feast", "symlinks"),
    [
        (FeastSettings(redis=RedisSettings(host="cache")), []),
        (
            FeastSettings(postgres=PostgresSettings(host="other", port=6543)),
            ["postgres://other:6543/feast.public.shop_customer_features"],
        ),
    ],
    ids=["redis", "a server of its own"],
)
def test_online_features_are_where_the_settings_say(
    tmp_path: Path, features: FeaturesRef, feast: FeastSettings, symlinks: list[str]
) -> None:
    platform = Platform(Settings(home=tmp_path, feast=feast))

    assert [*map(str, features_lineage.view(platform, features).symlinks)] == symlinks
