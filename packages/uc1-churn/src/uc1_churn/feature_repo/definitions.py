"""Definitions as code: what Feast knows of a feature table."""

from datetime import timedelta
from typing import NamedTuple

from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import FeastType, Float64, Int64, String
from feast.value_type import ValueType

from uc1_churn.features.schema import EVENT_TIMESTAMP, FeatureTable

ENTITY = "customer"
SOURCE = "customer_table"
VIEW = "customer_features"
SERVICE = "churn"

KEY_TYPES: dict[str, tuple[ValueType, FeastType]] = {
    "integer": (ValueType.INT64, Int64),
    "string": (ValueType.STRING, String),
}


class Definitions(NamedTuple):
    """The objects of one repository.

    Attributes:
        customer: The entity; its join key is the dataset's entity column.
        source: The Parquet file of the feature table.
        features: The feature view over that file.
        service: The features that the churn model reads.
    """

    customer: Entity
    source: FileSource
    features: FeatureView
    service: FeatureService


def definitions(table: FeatureTable) -> Definitions:
    """Return the Feast objects of a feature table."""
    customer = entity(table)
    source = file_source(table)
    features = feature_view(VIEW, table, customer, source)
    return Definitions(customer, source, features, feature_service([features]))


def entity(table: FeatureTable) -> Entity:
    """Return the customer, identified by the dataset's entity column."""
    kind, _ = KEY_TYPES[table.columns.entity_type]
    return Entity(name=ENTITY, join_keys=[table.columns.entity], value_type=kind)


def file_source(table: FeatureTable, name: str = SOURCE) -> FileSource:
    """Return the Parquet file of the feature table."""
    return FileSource(name=name, path=str(table.path), timestamp_field=EVENT_TIMESTAMP)


def feature_view(
    name: str, table: FeatureTable, customer: Entity, source: FileSource
) -> FeatureView:
    """Return the view whose values hold from their instant until the next one."""
    _, key = KEY_TYPES[table.columns.entity_type]
    fields = [Field(name=table.columns.entity, dtype=key)]
    fields += [Field(name=column, dtype=Float64) for column in table.columns.numeric]
    fields += [Field(name=column, dtype=String) for column in table.columns.categorical]
    return FeatureView(
        name=name,
        entities=[customer],
        ttl=timedelta(0),
        schema=fields,
        source=source,
        online=True,
    )


def feature_service(views: list[FeatureView]) -> FeatureService:
    """Return the features that the churn model reads, in the order of the views."""
    return FeatureService(name=SERVICE, features=[*views])
