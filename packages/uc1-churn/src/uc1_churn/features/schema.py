"""Which columns of an extract are features, and how each is stored."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow.parquet as pq
from duckdb import SQLExpression

from mlops_common.errors import ConfigError, ContractError, NotFoundError
from mlops_common.logger import get_logger
from mlops_common.refs import Ref
from uc1_churn.config import DatasetSpec
from uc1_churn.tables import parquet
from uc1_churn.tables.parquet import quoted

EVENT_TIMESTAMP = "event_timestamp"
LABEL = "label"

INTEGERS = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}
)
NUMBERS = INTEGERS | {"ubigint", "hugeint", "uhugeint", "float", "double", "decimal"}
TEXTS = frozenset({"varchar", "enum", "uuid"})
# Names that Feast's joins use for themselves; they drop columns that end in `_y`.
RESERVED = frozenset({EVENT_TIMESTAMP, LABEL, "entity_row_id", "rn"})
RESERVED_SUFFIX = "_y"

EntityType = Literal["integer", "string"]

log = get_logger(__name__)


class FeatureSchema(Ref):
    """The roles of a feature table's columns.

    Attributes:
        dataset: Name of the dataset, such as `customers`.
        entity: Column that identifies a customer.
        entity_type: Its type: `integer` (int64) or `string`.
        numeric: Features stored as float64.
        categorical: Features stored as text.
        timestamp: Source column of `event_timestamp`, where there is one.

    Examples:
        >>> FeatureSchema(dataset="customers", entity="id", entity_type="integer",
        ...               numeric=("age",), categorical=("gender",)).features
        ('age', 'gender')
    """

    dataset: str
    entity: str
    entity_type: EntityType
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    timestamp: str | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The features in the order of the table's columns."""
        return self.numeric + self.categorical


class FeatureTable(Ref):
    """A feature table on disk.

    Attributes:
        columns: The roles of its columns.
        path: Parquet file with one row for each (entity, `event_timestamp`).
    """

    columns: FeatureSchema
    path: Path


def resolve(spec: DatasetSpec, extract: Path) -> FeatureSchema:
    """Return the features that `spec` names, or that the extract suggests.

    Args:
        spec: Roles of the columns; see `DatasetSpec` for the rules of inference.
        extract: Parquet file of the source rows.

    Raises:
        NotFoundError: A named column is absent; lists those that are there.
        ConfigError: The label or the key is named as a feature, a feature is named
            twice or has a name that the feature store keeps for itself, or two
            columns differ only in case.
        ContractError: The entity is neither an integer nor text, or no column is
            left to be a feature.
    """
    with parquet.scan(extract) as table:
        _check_case(pq.read_schema(extract).names)
        types = column_types(table)
        _check_roles(spec, types)
        numeric, categorical = _features(table, spec, types)
    schema = FeatureSchema(
        dataset=spec.name,
        entity=spec.entity,
        entity_type=_entity_type(spec.entity, types[spec.entity]),
        numeric=numeric,
        categorical=categorical,
        timestamp=spec.timestamp,
    )
    _check_names(schema)
    unused = [name for name in _free(spec, types) if name not in schema.features]
    if unused:
        log.info("%s: not used as features: %s", spec.name, ", ".join(unused))
    return schema


def column_types(table: duckdb.DuckDBPyRelation) -> dict[str, str]:
    """Return the type of each column, such as `bigint` or `varchar`."""
    pairs = zip(table.columns, table.types, strict=True)
    return {name: str(kind.id) for name, kind in pairs}


def _features(
    table: duckdb.DuckDBPyRelation, spec: DatasetSpec, types: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    free = _free(spec, types)
    texts = [name for name in free if types[name] in TEXTS]
    few = set(_few_values(table, texts, spec.max_categories))
    many = [name for name in texts if name not in few]
    numbers = set(_numbers_as_text(table, many)) if spec.numeric is None else set()
    numeric = tuple(n for n in free if types[n] in NUMBERS or n in numbers)
    categorical = tuple(n for n in free if types[n] == "boolean" or n in few)
    return (
        numeric if spec.numeric is None else spec.numeric,
        categorical if spec.categorical is None else spec.categorical,
    )


def _few_values(
    table: duckdb.DuckDBPyRelation, names: list[str], limit: int
) -> list[str]:
    """Return the columns with at most `limit` values, counted exactly if close."""
    close = _measured(table, names, "approx_count_distinct({}) <= 2 * " + str(limit))
    return _measured(table, close, "count(DISTINCT {}) <= " + str(limit))


def _numbers_as_text(table: duckdb.DuckDBPyRelation, names: list[str]) -> list[str]:
    """Return the columns that hold nothing but numbers and blanks."""
    text = "CAST({0} AS VARCHAR)"
    number = f"TRY_CAST({text} AS DOUBLE) IS NOT NULL"
    return _measured(table, names, f"bool_and({number} OR trim({text}) = '')")


def _measured(
    table: duckdb.DuckDBPyRelation, names: list[str], condition: str
) -> list[str]:
    """Return the columns for which the aggregate `condition` holds."""
    if not names:
        return []
    conditions = [SQLExpression(condition.format(quoted(name))) for name in names]
    values = table.aggregate(conditions).fetchall()[0]
    return [name for name, holds in zip(names, values, strict=True) if holds]


def _free(spec: DatasetSpec, types: Mapping[str, str]) -> list[str]:
    taken = {spec.entity, spec.label, spec.timestamp, *spec.exclude, *_named(spec)}
    return [name for name in types if name not in taken]


def _named(spec: DatasetSpec) -> tuple[str, ...]:
    return (spec.numeric or ()) + (spec.categorical or ())


def _check_roles(spec: DatasetSpec, types: Mapping[str, str]) -> None:
    named = (spec.entity, spec.label, spec.timestamp, *_named(spec))
    missing = [name for name in dict.fromkeys(named) if name and name not in types]
    if missing:
        raise NotFoundError(
            f"dataset {spec.name!r} has no column {', '.join(missing)}; "
            f"available: {', '.join(types)}; correct `dataset` in the params"
        )
    taken = {spec.label: "the label", spec.entity: "the entity"}
    if spec.timestamp:
        taken[spec.timestamp] = "the timestamp"
    for name in _named(spec):
        if name in taken:
            raise ConfigError(
                f"column {name!r} of dataset {spec.name!r} cannot be a feature: it is "
                f"{taken[name]} or named twice; correct `dataset.numeric` and "
                "`dataset.categorical`"
            )
        taken[name] = "a feature"


def _check_names(schema: FeatureSchema) -> None:
    if not schema.features:
        raise ContractError(
            f"dataset {schema.dataset!r} has no column that can be a feature; name "
            "some in `dataset.numeric` or `dataset.categorical`"
        )
    for name in (schema.entity, *schema.features):
        if ":" in name or name.endswith(RESERVED_SUFFIX) or name.lower() in RESERVED:
            raise ConfigError(
                f"column {name!r} of dataset {schema.dataset!r} has a name that the "
                "feature store keeps for itself; rename it in `dataset.query`, or "
                "name it in `dataset.exclude`"
            )


def _check_case(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise ConfigError(
                f"columns {other!r} and {name!r} differ only in case, which SQL does "
                "not tell apart; rename one in `dataset.query`"
            )


def _entity_type(name: str, kind: str) -> EntityType:
    if kind in INTEGERS:
        return "integer"
    if kind in TEXTS:
        return "string"
    raise ContractError(
        f"entity {name!r} must be an integer of at most 64 bits or text, found "
        f"{kind}; cast it in `dataset.query`"
    )
