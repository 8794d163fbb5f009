"""Training sets: each entity row joined with the features known at its instant."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from mlops_common.errors import ContractError
from mlops_common.files import replacing
from mlops_common.progress import step
from uc1_churn.features.schema import EVENT_TIMESTAMP, LABEL, FeatureSchema

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 500_000
"""Entity rows joined at once: what bounds the memory."""
ROW = "__row"

Retrieve = Callable[["pd.DataFrame"], pa.Table]


def schema(columns: FeatureSchema) -> pa.Schema:
    """Return the columns of a training set and their types."""
    key = pa.int64() if columns.entity_type == "integer" else pa.string()
    return pa.schema(
        [
            (columns.entity, key),
            (EVENT_TIMESTAMP, pa.timestamp("us", "UTC")),
            *((name, pa.float64()) for name in columns.numeric),
            *((name, pa.string()) for name in columns.categorical),
            (LABEL, pa.int8()),
        ]
    )


def write_training_set(
    entity_rows: Path, columns: FeatureSchema, retrieve: Retrieve, target: Path
) -> int:
    """Join the entity rows with their features, `CHUNK` at a time, into a file.

    Args:
        entity_rows: Parquet file with the entity, `event_timestamp` and `label`.
        columns: The roles of the columns.
        retrieve: Returns the rows of a frame, in any order, with their features.
        target: Parquet file to write; it appears whole or not at all.

    Returns:
        The number of rows, which is that of the entity rows.

    Raises:
        ContractError: The join lost, repeated or changed an entity row.
    """
    shape = schema(columns)
    keys = [columns.entity, EVENT_TIMESTAMP, LABEL]
    with pq.ParquetFile(entity_rows) as source, replacing(target) as partial:
        total = source.metadata.num_rows
        with (
            step("Join features", total=total) as advance,
            pq.ParquetWriter(partial, shape, compression="zstd") as writer,
        ):
            for batch in source.iter_batches(CHUNK, columns=keys):
                rows = pa.Table.from_batches([batch])
                writer.write_table(joined(rows, shape, retrieve))
                advance(len(rows))
    return int(total)


def joined(rows: pa.Table, shape: pa.Schema, retrieve: Retrieve) -> pa.Table:
    """Return `rows` with their features, in their own order.

    Raises:
        ContractError: The join lost, repeated or changed a row.
    """
    numbers = pa.array(range(len(rows)), pa.int64())
    found = retrieve(rows.append_column(ROW, numbers).to_pandas())
    if len(found) != len(rows):
        raise ContractError(
            f"the feature store returned {len(found)} rows for {len(rows)} entity "
            "rows; each must come back exactly once"
        )
    found = found.sort_by(ROW).select(shape.names).cast(shape)
    keys = rows.cast(pa.schema([shape.field(name) for name in rows.column_names]))
    for name in keys.column_names:
        if not found[name].equals(keys[name]):
            raise ContractError(
                f"the feature store changed {name!r} of some entity rows; each must "
                "come back as it was given"
            )
    return found
