"""Parity: what is served online equals what the model learnt from offline."""

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from duckdb import ConstantExpression, SQLExpression

from mlops_common.errors import ContractError, RefusedError
from uc1_churn.features.schema import FeatureTable
from uc1_churn.tables import parquet
from uc1_churn.tables.parquet import quoted


@dataclass(frozen=True, slots=True)
class Parity:
    """A comparison that passed.

    Attributes:
        customers: Customers compared.
        columns: Columns compared.
        largest: Largest difference of two numbers.
    """

    customers: int
    columns: int
    largest: float


def sample(table: FeatureTable, size: int, seed: int = 0) -> pa.Table:
    """Return the latest features of some customers, as they are offline.

    Args:
        table: The feature table.
        size: Number of customers; all of them when there are fewer.
        seed: Another one draws other customers.

    Returns:
        A table with the entity and the features; which customers, and their order,
        depend only on the keys and the seed.

    Raises:
        BackendError: The file cannot be read.
    """
    key = table.columns.entity
    entity = SQLExpression(quoted(key)).alias("entity")
    draw = SQLExpression(f"md5(concat({quoted(key)}, ':', {int(seed)}))").alias("draw")
    with parquet.scan(table.path) as features:
        drawn = features.select(entity, draw).distinct().order("draw, entity")
        keys = [ConstantExpression(row[0]) for row in drawn.limit(size).fetchall()]
        chosen = features.filter(SQLExpression(quoted(key)).isin(*keys))
        columns = chosen.select("*", entity, draw)
        latest = parquet.query(columns, "features", "latest_rows").to_arrow_table()
    return latest.select([key, *table.columns.features])


def compare(
    offline: pa.Table, online: pa.Table, *, key: str, tolerance: float = 1e-6
) -> Parity:
    """Check that every column of `offline` has the same values in `online`.

    NULL and NaN are the same absence. Text must be equal.

    Args:
        offline: One row a customer: features, or a column `probability`.
        online: The same columns for the same customers, in any order.
        key: Column that identifies a customer.
        tolerance: Largest absolute difference of two numbers.

    Returns:
        What was compared.

    Raises:
        RefusedError: A value, a column or a customer differs; the evidence holds
            `column`, `customer`, `differing` (the number of customers that differ)
            and, where two values differ, `offline`, `online` and `tolerance`.
        ContractError: A customer occurs twice, or there is nothing to compare.

    Examples:
        >>> offline = pa.table({"id": [1, 2], "age": [30.0, None]})
        >>> online = pa.table({"id": [2, 1], "age": [float("nan"), 30.0]})
        >>> compare(offline, online, key="id")
        Parity(customers=2, columns=1, largest=0.0)
    """
    rows, there = _positions(offline, key), _positions(online, key)
    columns = [name for name in offline.column_names if name != key]
    if not rows or not columns:
        raise ContractError("nothing to compare: no customers, or no columns")
    _check_present(columns, list(rows), online.column_names, there, key)
    largest = 0.0
    for column in columns:
        ours, theirs = offline[column].to_pylist(), online[column].to_pylist()
        pairs = {id_: (ours[row], theirs[there[id_]]) for id_, row in rows.items()}
        largest = max(largest, _largest(column, pairs, key, tolerance))
    return Parity(customers=len(rows), columns=len(columns), largest=largest)


def distance(offline: Any, online: Any) -> float:
    """Return how far two values are apart; infinitely, where they cannot be compared.

    Examples:
        >>> distance(1.0, 1.5), distance(None, math.nan), distance(None, 0.0)
        (0.5, 0.0, inf)
        >>> distance("a", "a"), distance("a", "b")
        (0.0, inf)
    """
    absent = [value is None or value != value for value in (offline, online)]  # noqa: PLR0124 - NaN
    if all(absent) or offline == online:
        return 0.0
    numbers = isinstance(offline, int | float) and isinstance(online, int | float)
    return abs(offline - online) if numbers and not any(absent) else math.inf


def _positions(table: pa.Table, key: str) -> dict[Any, int]:
    keys = table[key].to_pylist()
    positions = {customer: row for row, customer in enumerate(keys)}
    if len(positions) != len(keys):
        raise ContractError(f"some {key!r} occur twice in a table to be compared")
    return positions


def _check_present(
    columns: list[str],
    customers: list[Any],
    names: list[str],
    there: dict[Any, int],
    key: str,
) -> None:
    absent = [name for name in columns if name not in names]
    if absent:
        raise RefusedError(
            f"column {absent[0]!r} is not served online; apply and materialize the "
            "features again",
            {"column": absent[0], "customer": None, "differing": len(customers)},
        )
    unknown = [customer for customer in customers if customer not in there]
    if unknown:
        raise RefusedError(
            f"{key} {unknown[0]!r} is not served online; materialize the features "
            "again",
            {"column": key, "customer": unknown[0], "differing": len(unknown)},
        )


def _largest(
    column: str, pairs: dict[Any, tuple[Any, Any]], key: str, tolerance: float
) -> float:
    """Return how far the values of a column are apart, none beyond the tolerance."""
    far = {id_: distance(*pair) for id_, pair in pairs.items()}
    differing = [customer for customer, value in far.items() if value > tolerance]
    if not differing:
        return max(far.values())
    customer = differing[0]
    offline, online = pairs[customer]
    raise RefusedError(
        f"column {column!r} of {key} {customer!r} is {online!r} online but {offline!r} "
        f"offline; {len(differing)} of {len(pairs)} customers differ by more than "
        f"{tolerance:g}: run again, which materializes the features and loads the "
        "model anew",
        {
            "column": column,
            "customer": customer,
            "offline": offline,
            "online": online,
            "differing": len(differing),
            "tolerance": tolerance,
        },
    )
