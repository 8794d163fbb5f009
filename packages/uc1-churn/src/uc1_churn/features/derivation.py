"""Features of a customer at an instant, derived from the extract.

The feature table holds one row for each (entity, instant): the entity, the column
`event_timestamp`, numeric features as float64 and categorical ones as text. The
label is not in it.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
from duckdb import ConstantExpression, Expression, SQLExpression

from mlops_common.errors import ContractError
from mlops_common.progress import step
from uc1_churn.config import DatasetSpec
from uc1_churn.features.schema import (
    EVENT_TIMESTAMP,
    NUMBERS,
    TEXTS,
    FeatureSchema,
    column_types,
    resolve,
)
from uc1_churn.tables import parquet
from uc1_churn.tables.parquet import quoted

TIMELESS = datetime(2000, 1, 1, tzinfo=UTC)
"""The instant of every row of a dataset that names no timestamp."""

INSTANTS = frozenset(
    {
        "date",
        "timestamp",
        "timestamp_s",
        "timestamp_ms",
        "timestamp_ns",
        "timestamp with time zone",
    }
)


def derive(extract: Path, spec: DatasetSpec, target: Path) -> FeatureSchema:
    """Stream the feature table of an extract into a Parquet file.

    Blank text and NaN become NULL in numeric features. Booleans become `true` and
    `false` in categorical ones. Instants without a zone are taken as UTC.

    Args:
        extract: Parquet file of the source rows.
        spec: Roles of its columns.
        target: File to write; it appears whole or not at all.

    Returns:
        The schema of the feature table.

    Raises:
        NotFoundError: A named column is absent.
        ConfigError: The roles of the columns do not fit together.
        ContractError: The extract is empty, a row has no entity or instant, two
            rows have the same entity and instant, or a numeric feature holds text
            that is not a number.
        BackendError: The disk is full.
    """
    schema = resolve(spec, extract)
    with step("Derive features"), parquet.scan(extract) as table:
        key = key_columns(table, schema)
        _check_keys(table.select(*key), schema)
        numbers = [_number(table, name) for name in schema.numeric]
        texts = [_text(name) for name in schema.categorical]
        parquet.write(table.select(*key, *numbers, *texts), target)
    return schema


def key_columns(
    table: duckdb.DuckDBPyRelation, schema: FeatureSchema
) -> tuple[Expression, Expression]:
    """Return the expressions of a row's entity and instant, under their final names.

    Raises:
        ContractError: The timestamp column holds no instants.
    """
    kind = "BIGINT" if schema.entity_type == "integer" else "VARCHAR"
    entity = SQLExpression(f"CAST({quoted(schema.entity)} AS {kind})")
    instant = _instant(table, schema.timestamp)
    return entity.alias(schema.entity), instant.alias(EVENT_TIMESTAMP)


def _instant(table: duckdb.DuckDBPyRelation, name: str | None) -> Expression:
    if name is None:
        return ConstantExpression(TIMELESS).cast("TIMESTAMPTZ")
    kind = column_types(table)[name]
    if kind not in INSTANTS:
        raise ContractError(
            f"timestamp {name!r} must be a date or a timestamp, found {kind}; cast it "
            "in `dataset.query`"
        )
    return SQLExpression(f"CAST({quoted(name)} AS TIMESTAMPTZ)")


def _text(name: str) -> Expression:
    return SQLExpression(f"CAST({quoted(name)} AS VARCHAR)").alias(name)


def _number(table: duckdb.DuckDBPyRelation, name: str) -> Expression:
    """Return the expression of a numeric feature; check it where it is text."""
    kind = column_types(table)[name]
    if kind in TEXTS:
        _check_numbers(table, name)
    elif kind not in NUMBERS | {"boolean"}:
        raise ContractError(
            f"numeric feature {name!r} must hold numbers, found {kind}; convert it in "
            "`dataset.query` or name it in `dataset.exclude`"
        )
    source = f"CAST({quoted(name)} AS VARCHAR)" if kind in TEXTS else quoted(name)
    value = f"TRY_CAST({source} AS DOUBLE)"
    return SQLExpression(f"CASE WHEN NOT isnan({value}) THEN {value} END").alias(name)


def _check_numbers(table: duckdb.DuckDBPyRelation, name: str) -> None:
    texts = table.select(_text(name).alias("value"))
    found = parquet.rows(texts, "texts", "not_numbers")
    if not found:
        return
    examples = ", ".join(f"{value!r} ({n} rows)" for value, n, _, _ in found)
    total, distinct = found[0][2:]
    raise ContractError(
        f"numeric feature {name!r} holds {distinct} texts that are not numbers, in "
        f"{total} rows: {examples}; clean the column, or name it in "
        "`dataset.categorical`"
    )


def _check_keys(keys: duckdb.DuckDBPyRelation, schema: FeatureSchema) -> None:
    named = keys.select(
        SQLExpression(quoted(schema.entity)).alias("entity"),
        SQLExpression(EVENT_TIMESTAMP),
    )
    rows, nameless, undated = parquet.rows(named, "keys", "key_faults")[0]
    if not rows:
        raise ContractError(
            f"dataset {schema.dataset!r} has no rows; check `dataset.table` or "
            "`dataset.query`"
        )
    if nameless:
        raise ContractError(
            f"{nameless} of {rows} rows have no {schema.entity!r}; every row must "
            "name its entity"
        )
    if undated:
        raise ContractError(
            f"{undated} of {rows} rows have no finite {schema.timestamp!r}; every row "
            "must say when it was true"
        )
    _check_unique(named, schema)


def _check_unique(keys: duckdb.DuckDBPyRelation, schema: FeatureSchema) -> None:
    repeated = parquet.rows(keys, "keys", "repeated_keys")
    if not repeated:
        return
    examples = ", ".join(f"{entity!r} ({n} rows)" for entity, _, n, _ in repeated)
    where = f"at the same {schema.timestamp!r}" if schema.timestamp else "in all"
    remedy = (
        "" if schema.timestamp else ", or name its timestamp in `dataset.timestamp`"
    )
    raise ContractError(
        f"{repeated[0][3]} values of {schema.entity!r} have more than one row {where}: "
        f"{examples}; remove the repeated rows{remedy}"
    )
