"""What a run may say of a dataset, as plain frozen values.

They become the facets of OpenLineage later, in another thread: nothing here imports
its client.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Sized
from itertools import islice
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, model_validator
from pydantic import Field as PydanticField

from mlops_common.lineage.json_value import facet_values
from mlops_common.lineage.naming import DatasetName
from mlops_common.lineage.text import short_name, shown
from mlops_common.refs import Ref

Lifecycle: TypeAlias = Literal[
    "ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE"
]

MOST_COLUMNS = 2_000  # of a dataset
LEFT_OUT = "left_out"


def _text(value: Any) -> Any:
    return shown(value) if isinstance(value, str) else value


def _number(value: Any) -> float | None:
    """Return a finite number; none for what is none, such as a date."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _numbers(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    found = {str(key): _number(number) for key, number in value.items()}
    return {key: number for key, number in found.items() if number is not None}


def _name(value: Any) -> Any:
    return short_name(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Number = Annotated[float | None, BeforeValidator(_number)]
Count = Annotated[int | None, BeforeValidator(_count)]
JsonFacets = Annotated[Mapping[str, Any], BeforeValidator(facet_values)]


class Field(Ref):
    """A column.

    Attributes:
        name: Of the column.
        type: As its data source calls it, such as `DOUBLE`.
        description: For people.
    """

    name: Name
    type: Text = ""
    description: Text = ""


class Origin(Ref):
    """A column that another one, or a whole dataset, was made from.

    Attributes:
        dataset: Where the column is.
        field: Its name.
        type: `DIRECT` where its value goes in, `INDIRECT` where it only decides, as in
            a filter, a join or an order; empty where it is not known which.
        subtype: `IDENTITY`, `TRANSFORMATION` or `AGGREGATION` of a direct one; `JOIN`,
            `GROUP_BY`, `FILTER`, `SORT`, `WINDOW` or `CONDITIONAL` of an indirect one.
        description: How, for people.
        masking: Whether the value cannot be had back, as that of a hash.
    """

    dataset: DatasetName
    field: Name
    type: Literal["", "DIRECT", "INDIRECT"] = "DIRECT"
    subtype: Text = "TRANSFORMATION"
    description: Text = ""
    masking: bool = False


class ColumnMetrics(Ref):
    """What was counted in a column; what is no finite number is left out.

    Attributes:
        nulls: Values that are missing.
        distinct: Distinct values.
        count: Values that are there.
        sum: Of the values.
        min: The smallest value.
        max: The largest value.
        quantiles: Value of each quantile, by its text, such as `0.5`.
    """

    nulls: Count = None
    distinct: Count = None
    count: Number = None
    sum: Number = None
    min: Number = None
    max: Number = None
    quantiles: Annotated[Mapping[Text, float], BeforeValidator(_numbers)] = {}


class Assertion(Ref):
    """A test of a dataset, and how it ended.

    Attributes:
        assertion: What is tested, such as `not_null`.
        success: Whether it holds.
        column: Which column; empty means the dataset as a whole.
        severity: `error` stops a pipeline, `warn` does not.
        expected: What was expected, as text.
        actual: What was found, as text.
    """

    assertion: Text
    success: bool
    column: Name = ""
    severity: Literal["", "error", "warn"] = ""
    expected: Text = ""
    actual: Text = ""


class Dataset(Ref):
    """A dataset that a run reads or writes, and what the run knows of it.

    Attributes:
        name: Namespace and name.
        fields: Columns, in order.
        version: Which bytes, such as a revision of DVC or a digest.
        rows: Rows read or written.
        size: Bytes read or written.
        files: Files read or written.
        kind: `TABLE`, `FILE`, `MODEL` and the like.
        source: Name of its data source; the namespace by default.
        uri: Where the dataset itself is, told as `mlops_location`; a password in it
            is hidden.
        owner: Such as `team:churn`; where written, that of the settings by default,
            else the account.
        documentation: For people.
        lifecycle: What the run did to it as a whole.
        symlinks: Other names of the same dataset.
        origins: For a column, those that it was made from.
        influences: Columns that decided on the rows of the dataset as a whole.
        metrics: What was counted in a column.
        assertions: Tests, and how they ended.
        facets: Anything else, by name, as JSON; told as `mlops_<name>`.

    Of columns, and of all that is said of them, the first 2,000 are kept; the facet
    `left_out` tells how many more there were.

    Examples:
        >>> from mlops_common.lineage.naming import postgres_table
        >>> name = postgres_table(None, "shop", "orders")
        >>> Dataset(name=name, rows=3, fields=columns({"id": "bigint"})).fields[0].type
        'bigint'
    """

    name: DatasetName
    fields: tuple[Field, ...] = ()
    version: Text = ""
    rows: Count = None
    size: Count = None
    files: Count = None
    kind: Text = ""
    source: Name = ""
    uri: Text = ""
    owner: Text = ""
    documentation: Text = ""
    lifecycle: Lifecycle | None = None
    symlinks: tuple[DatasetName, ...] = ()
    origins: Mapping[Name, tuple[Origin, ...]] = {}
    influences: tuple[Origin, ...] = ()
    metrics: Mapping[Name, ColumnMetrics] = {}
    assertions: tuple[Assertion, ...] = ()
    facets: JsonFacets = PydanticField(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, said: Any) -> Any:
        """Cut off columns before any of them is looked at."""
        if not isinstance(said, dict):
            return said
        long = {
            key: len(said[key]) - MOST_COLUMNS
            for key in ("fields", "origins", "metrics", "assertions", "influences")
            if isinstance(said.get(key), Sized) and len(said[key]) > MOST_COLUMNS
        }
        if not long:
            return said
        facets = {**said.get("facets", {}), LEFT_OUT: long}
        return said | {key: _first(said[key]) for key in long} | {"facets": facets}

    def with_(self, other: "Dataset") -> "Dataset":
        """Return what both say of one dataset; the other one has the last word.

        Examples:
            >>> from mlops_common.lineage.naming import stored
            >>> first = Dataset(name=stored("/a.csv"), rows=3)
            >>> first.with_(Dataset(name=stored("/a.csv"), version="v1")).rows
            3
        """
        said = {key: getattr(other, key) for key in other.model_fields_set}
        both = ("facets", "metrics", "origins")
        merged = {k: {**getattr(self, k), **said[k]} for k in both if k in said}
        return self.model_copy(update=said | merged)


def _first(said: Any) -> Any:
    """Return as much of a sequence or a mapping as a dataset keeps."""
    pairs = said.items() if isinstance(said, Mapping) else said
    return type(said)(islice(pairs, MOST_COLUMNS))


def columns(types: Mapping[str, str]) -> tuple[Field, ...]:
    """Return columns by their name and type.

    Examples:
        >>> columns({"id": "bigint"})
        (Field(name='id', type='bigint', description=''),)
    """
    return tuple(Field(name=name, type=kind) for name, kind in types.items())


def arrow_columns(schema: Iterable[Any]) -> tuple[Field, ...]:
    """Return the columns of a schema of Arrow.

    Examples:
        >>> import pyarrow as pa
        >>> arrow_columns(pa.schema({"id": pa.int64()}))[0].type
        'int64'
    """
    return tuple(Field(name=field.name, type=str(field.type)) for field in schema)


def copied(source: DatasetName, names: Iterable[str]) -> dict[str, tuple[Origin, ...]]:
    """Return the origins of columns that are taken over as they are.

    Examples:
        >>> from mlops_common.lineage.naming import stored
        >>> copied(stored("/a.csv"), ["id"])["id"][0].subtype
        'IDENTITY'
    """
    return {
        name: (Origin(dataset=source, field=name, subtype="IDENTITY"),)
        for name in names
    }


def derived(
    source: DatasetName,
    inputs: Mapping[str, Sequence[str]],
    *,
    subtype: str = "TRANSFORMATION",
    description: str = "",
) -> dict[str, tuple[Origin, ...]]:
    """Return the origins of columns that are computed from others of one dataset.

    Args:
        source: Where those are.
        inputs: For each column, the columns that its value is made from.
        subtype: How, as of an `Origin`.
        description: How, for people.

    Examples:
        >>> from mlops_common.lineage.naming import stored
        >>> found = derived(stored("/a.csv"), {"spend": ["price", "count"]})
        >>> [origin.field for origin in found["spend"]]
        ['price', 'count']
    """
    return {
        name: tuple(
            Origin(
                dataset=source, field=field, subtype=subtype, description=description
            )
            for field in fields
        )
        for name, fields in inputs.items()
    }
