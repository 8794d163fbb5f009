"""A SELECT rewritten so that every value reaches Parquet as it was.

Of PostgreSQL's types, those that Parquet has are kept. Others leave as PostgreSQL's
own text (uuid, json, interval, time with zone, money, enumerations, arrays, ranges).
Two kinds need care:

- NUMERIC(p, s) is an exact decimal, which has no NaN.
- NUMERIC without a scale, or wider than 38 digits, is a double: about 15 digits are
  kept, and NaN and infinities are what they were.

A value that would change silently (NaN in a decimal, a whole number beyond 2^53 as a
double, a time after the year 294246) fails the query instead, and names its column.
Infinite dates and times are kept as the greatest and smallest value, as DuckDB
reads them.
"""

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from mlops_common.errors import ContractError

WIDEST_DECIMAL = 38
EXACT = (
    *("bool", "int2", "int4", "int8", "float4", "float8"),
    *("text", "varchar", "bytea", "date", "time"),
)
TIMES = ("timestamp", "timestamptz")
KEPT = sql.SQL("{column}")
TEXT = sql.SQL("{column}::text")
DECIMAL = sql.SQL(
    "CASE WHEN {column} = 'NaN'"
    " THEN ({mark} || {column})::numeric({precision}, {scale}) ELSE {column} END"
)
DOUBLE = sql.SQL(
    "CASE WHEN abs({column}) > 9007199254740992 AND {column} = trunc({column})"
    " AND {column} < 'Infinity' AND {column} > '-Infinity'"
    " THEN ({mark} || {column})::float8 ELSE {column}::float8 END"
)
TIME = sql.SQL(
    "CASE WHEN {column} > '294246-12-31' AND {column} < 'infinity'"
    " THEN ({mark} || {column})::{type} ELSE {column} END"
)
MARK = "changed:"
FOUND = re.compile(f'"{MARK}(.*)=([^=]*)"')


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result.

    Attributes:
        name: Its name.
        type: PostgreSQL's name of its type; empty when the type is not built in.
        precision: Digits of a NUMERIC, where declared.
        scale: Digits after its point, where declared.
    """

    name: str
    type: str
    precision: int | None = None
    scale: int | None = None

    @property
    def decimal(self) -> bool:
        """Whether Parquet has a decimal for this NUMERIC."""
        if self.precision is None or self.scale is None:
            return False
        return 0 <= self.scale <= self.precision <= WIDEST_DECIMAL

    def expression(self) -> sql.Composable:
        """Return the expression that selects this column, exactly."""
        return sql.SQL("{value} AS {column}").format(
            value=self._template().format(
                column=sql.Identifier(self.name),
                mark=sql.Literal(f"{MARK}{self.name}="),
                precision=sql.Literal(self.precision),
                scale=sql.Literal(self.scale),
                type=sql.SQL(self.type),
            ),
            column=sql.Identifier(self.name),
        )

    def _template(self) -> sql.SQL:
        if self.type in EXACT:
            return KEPT
        if self.type in TIMES:
            return TIME
        if self.type == "numeric":
            return DECIMAL if self.decimal else DOUBLE
        return TEXT


def exact_select(connection: psycopg.Connection, query: str | sql.Composable) -> str:
    """Return `query` rewritten so that DuckDB changes none of its values.

    Args:
        connection: To the database that will run it.
        query: One SELECT.

    Raises:
        ContractError: It is not one SELECT whose columns have distinct names.
        psycopg.Error: PostgreSQL refuses it.
    """
    text = query if isinstance(query, str) else query.as_string(connection)
    source = sql.SQL(text.strip().rstrip(";").rstrip())
    columns = _described(connection, source)
    _check_names([column.name for column in columns])
    statement = sql.SQL("SELECT {columns} FROM (\n{source}\n) AS source").format(
        columns=sql.SQL(", ").join(column.expression() for column in columns),
        source=source,
    )
    return statement.as_string(connection)


def changed(message: str) -> str | None:
    """Return what to tell when a value would have changed, else nothing.

    Examples:
        >>> changed('invalid input syntax for type numeric: "changed:price=NaN"')[:24]
        "column 'price' holds NaN"
    """
    found = FOUND.search(message)
    if found is None:
        return None
    column, value = found.groups()
    return (
        f"column {column!r} holds {value}, which Parquet cannot hold as this type; "
        f'cast it in the query: "{column}"::text keeps every digit, '
        f'"{column}"::float8 the magnitude'
    )


def _described(connection: psycopg.Connection, source: sql.SQL) -> list[Column]:
    """Return the columns of a query, without running it."""
    probe = sql.SQL("SELECT * FROM (\n{source}\n) AS source LIMIT 0")
    description = connection.execute(probe.format(source=source)).description
    return [_column(connection, item) for item in description or []]


def _column(connection: psycopg.Connection, item: Any) -> Column:
    known = connection.adapters.types.get(item.type_code)
    plain = known is not None and known.oid == item.type_code
    return Column(item.name, known.name if plain else "", item.precision, item.scale)


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(
            f"the query returns several columns named {', '.join(map(repr, twice))}; "
            "give each its own name with AS"
        )
    if not names:
        raise ContractError("the query returns no columns; name at least one")
