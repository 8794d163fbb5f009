"""Small tables of features, and of entities to join them with."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from uc1_churn.feature_store.historical import schema
from uc1_churn.features.schema import FeatureSchema, FeatureTable

COLUMNS = FeatureSchema(
    dataset="customers",
    entity="customer_id",
    entity_type="integer",
    numeric=("spend",),
    categorical=("plan",),
    timestamp="observed_at",
)
SHAPE = schema(COLUMNS)
# Customer, day, spend and plan.
Row: TypeAlias = tuple[int, int, float | None, str | None]


def day(number: int) -> dt.datetime:
    """Return the instant at which a day starts, of which 0 is the first."""
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)


def write_features(path: Path, rows: Sequence[Row]) -> FeatureTable:
    """Write the features of some customers."""
    fields = [SHAPE.field(name) for name in SHAPE.names if name != "label"]
    columns = [(id_, day(at), spend, plan) for id_, at, spend, plan in rows]
    arrays = zip(*columns, strict=True) if rows else [[], [], [], []]
    pq.write_table(pa.table(list(map(list, arrays)), schema=pa.schema(fields)), path)
    return FeatureTable(columns=COLUMNS, path=path)


def write_entities(path: Path, rows: Sequence[tuple[int, int]]) -> Path:
    """Write customers with the day of which they are to be joined, and a label."""
    values = {
        "customer_id": [id_ for id_, _ in rows],
        "event_timestamp": [day(at) for _, at in rows],
        "label": [(id_ + at) % 2 for id_, at in rows],
    }
    fields = pa.schema([SHAPE.field(name) for name in values])
    pq.write_table(pa.table(values, schema=fields), path)
    return path
