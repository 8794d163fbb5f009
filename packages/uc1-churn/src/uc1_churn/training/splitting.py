"""Which rows are held out, and which folds calibrate.

Several instants: the past teaches, the newest periods judge, as in use. One
instant: a hash of the customer decides, so that a customer stays on one side in
every run and no champion was trained on a row that it is later judged by.
"""

from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlops_common.errors import ContractError
from uc1_churn.features.schema import EVENT_TIMESTAMP, LABEL


class Split(NamedTuple):
    """Rows to learn from and rows to judge by.

    Attributes:
        train: Table of the rows to learn from.
        test: Table of the held-out rows.
        by: `time` (newest periods held out) or `customer` (by hash).
    """

    train: pa.Table
    test: pa.Table
    by: Literal["time", "customer"]


def split(table: pa.Table, entity: str, test_fraction: float) -> Split:
    """Hold out rows to judge the model by.

    Args:
        table: Training table of n rows with `entity`, `event_timestamp`, `label`.
        entity: Column of customer keys.
        test_fraction: Share of the rows to hold out; by time the nearest share
            that whole instants give, by customer the expected share.

    Raises:
        ContractError: A column or a label is missing, or a part lacks a class.

    Examples:
        >>> table = pa.table({"customer_id": range(6), "event_timestamp": [1, 1, 2, 2,
        ...     3, 3], "label": [0, 1] * 3})
        >>> parts = split(table, "customer_id", 0.2)
        >>> parts.by, parts.test["event_timestamp"].to_pylist()
        ('time', [3, 3])
    """
    _check(table, entity)
    instants = _instants(table)
    if instants.max():
        held_out = instants >= _first_held_out(instants, test_fraction)
        by: Literal["time", "customer"] = "time"
    else:
        held_out = uniform(table[entity], "test") < test_fraction
        by = "customer"
    parts = table.filter(pa.array(~held_out)), table.filter(pa.array(held_out))
    for name, part in zip(("training", "held-out"), parts, strict=True):
        _check_classes(name, part)
    return Split(*parts, by=by)


def folds(
    table: pa.Table, entity: str, count: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return (rows to learn, rows held out) of each fold of a training table.

    By time where there are several instants: the newer half of the rows is cut into
    up to `count` blocks, each predicted from all that came before it. Otherwise by
    customer: `count` parts by hash, each predicted from the others.

    Args:
        table: Training rows, n of them.
        entity: Column of customer keys.
        count: Number of folds, at least 2.

    Raises:
        ContractError: Rows to learn from in some fold lack a class.
    """
    instants = _instants(table)
    if instants.max():
        block = _blocks(instants, count)
        pairs = [(block < fold, block == fold) for fold in np.unique(block) if fold]
    else:
        block = (uniform(table[entity], "fold") * count).astype(np.intp)
        pairs = [(block != fold, block == fold) for fold in np.unique(block)]
    labels = table[LABEL].to_numpy()
    for learn, _ in pairs:
        if len(np.unique(labels[learn])) < 2:  # noqa: PLR2004
            raise ContractError(
                f"too few rows of one class among {table.num_rows} training rows to "
                f"calibrate in {count} folds; bring more rows or lower training.folds"
            )
    return [(np.flatnonzero(learn), np.flatnonzero(hold)) for learn, hold in pairs]


def uniform(keys: Any, salt: str) -> NDArray[np.float64]:
    """Return (n,) numbers in [0, 1) that depend on key and salt alone.

    Args:
        keys: (n,) customer keys, as an arrow column.
        salt: Another salt gives independent numbers.

    Examples:
        >>> uniform(pa.array(["a", "b", "a"]), "test").round(3).tolist()
        [0.125, 0.358, 0.125]
    """
    column = keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
    encoded = pc.dictionary_encode(pc.cast(column, pa.string()))
    start = blake2b(salt.encode(), digest_size=8)
    values = np.empty(len(encoded.dictionary))
    for index, key in enumerate(encoded.dictionary.to_pylist()):
        digest = start.copy()
        digest.update(key.encode())
        values[index] = (int.from_bytes(digest.digest(), "big") >> 11) / (1 << 53)
    return np.asarray(values[encoded.indices.to_numpy()])


def _instants(table: pa.Table) -> NDArray[np.intp]:
    """Return the (n,) rank of each row's instant, oldest 0."""
    return np.unique(table[EVENT_TIMESTAMP].to_numpy(), return_inverse=True)[1]


def _first_held_out(instants: NDArray[np.intp], fraction: float) -> int:
    """Return the instant from which the share of rows is nearest to `fraction`."""
    newer = np.cumsum(np.bincount(instants)[::-1])[::-1] / len(instants)
    return int(np.argmin(np.abs(newer[1:] - fraction))) + 1


def _blocks(instants: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return the (n,) block of each row: 0 is only learnt from, 1 and up held out.

    The oldest instant is always block 0, the first others are blocks of their own.
    """
    ends = np.cumsum(np.bincount(instants)) / len(instants)
    starts = np.concatenate([[0.0], ends[:-1]])
    middles = (starts + ends) / 2
    block = np.clip(np.floor((middles - 0.5) * 2 * count) + 1, 0, count)
    block = np.unique(block, return_inverse=True)[1]
    if block.max() == 0:
        block = np.minimum(np.arange(len(ends)), 1)
    return np.asarray(block[instants], dtype=np.intp)


def _check(table: pa.Table, entity: str) -> None:
    needed = (entity, EVENT_TIMESTAMP, LABEL)
    absent = [name for name in needed if name not in table.schema.names]
    if absent:
        raise ContractError(
            f"the training table lacks the column {absent[0]!r}; it has "
            f"{', '.join(table.schema.names)}"
        )
    if not table.num_rows:
        raise ContractError("the training table is empty; check the source table")
    for name in needed:
        if table[name].null_count:
            raise ContractError(
                f"column {name!r} of the training table has {table[name].null_count} "
                f"empty values in {table.num_rows} rows; every row needs one"
            )


def _check_classes(name: str, part: pa.Table) -> None:
    values = sorted(pc.unique(part[LABEL]).to_pylist())
    if values != [0, 1]:
        found = f"only {values[0]}" if values else "no rows"
        raise ContractError(
            f"the {name} rows need both labels 0 and 1, found {found} in "
            f"{part.num_rows} rows; check the label column and its positive value, "
            "and that there are enough rows for training.test_fraction"
        )
