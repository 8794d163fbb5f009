"""Arrow tables as the columns that a predictor reads, without a Python value each."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from uc1_churn.serving.predictor import BATCH_ROWS, ChurnPredictor


def arrays(rows: pa.Table, names: Sequence[str]) -> dict[str, pa.Array]:
    """Return the named columns that a table has, each as one array.

    Examples:
        >>> table = pa.table({"age": pa.chunked_array([[1.0], [2.0]]), "id": [1, 2]})
        >>> arrays(table, ["age", "absent"])["age"].to_pylist()
        [1.0, 2.0]
    """
    present = (name for name in names if name in rows.schema.names)
    return {name: rows[name].combine_chunks() for name in present}


def probabilities(predictor: ChurnPredictor, table: pa.Table) -> NDArray[np.float64]:
    """Return the (n,) churn probabilities of a table of n rows, batch by batch.

    Raises:
        ContractError: A column is absent or does not fit.
    """
    starts = range(0, table.num_rows, BATCH_ROWS)
    batches = (table.slice(start, BATCH_ROWS) for start in starts)
    scored = [predictor.predict(arrays(rows, predictor.columns)) for rows in batches]
    return np.concatenate([np.empty(0), *scored])
