"""Columns of a Parquet file as pandas batches, each as lean as its checks allow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from uc1_churn.validation.contract import kind_of

if TYPE_CHECKING:
    import pandas as pd

# One value of each kind, typed as in a batch of rows.
SAMPLES: dict[str, Any] = {
    "integer": 0,
    "number": 0.0,
    "text": "text",
    "boolean": True,
    "timestamp": np.datetime64(0, "ns"),
    "other": b"",
}
INSTANT = pa.timestamp("us", tz="UTC")


def sample(schema: pa.Schema) -> "pd.DataFrame":
    """Return one row whose types stand for those of the table's columns."""
    import pandas as pd

    kinds = {field.name: kind_of(field.type) for field in schema}
    return pd.DataFrame({name: [SAMPLES[kind]] for name, kind in kinds.items()})


def read(table: Path, columns: Sequence[str], *, exact: bool) -> "pd.DataFrame":
    """Return columns of all rows; the index holds the rows' positions.

    Text becomes categories, numbers 64 bits (which Great Expectations compares
    without a Python call for each value), instants UTC.

    Args:
        table: Parquet file.
        columns: Names of the columns.
        exact: Whether integers beside NULL stay integers, at a price, instead of
            becoming floats.
    """
    schema = pq.read_schema(table)
    texts = [name for name in columns if kind_of(schema.field(name).type) == "text"]
    rows = pq.read_table(table, columns=list(columns), read_dictionary=texts)
    for index, name in enumerate(columns):
        rows = rows.set_column(index, name, _widened(rows.column(name)))
    batch: pd.DataFrame = rows.to_pandas(
        integer_object_nulls=exact, split_blocks=True, self_destruct=True
    )
    del rows
    pa.default_memory_pool().release_unused()
    return batch


def rows_at(
    table: Path, positions: Sequence[int], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows at some positions, from 0, with these columns."""
    taken = pads.dataset(table).take(pa.array(positions), columns=list(columns))
    rows: list[dict[str, Any]] = taken.to_pylist()
    return rows


def _widened(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return values.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.float64())
    if pa.types.is_date(kind):
        return values.cast(pa.timestamp("us")).cast(INSTANT)
    if pa.types.is_timestamp(kind):
        return pc.cast(values, INSTANT, safe=False)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values.dictionary_encode()
    return values
