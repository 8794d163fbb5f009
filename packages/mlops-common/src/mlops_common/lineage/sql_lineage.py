"""The tables and columns that a statement of SQL reads and writes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_common.lineage.dataset import Origin
from mlops_common.lineage.naming import DatasetName
from mlops_common.lineage.statement import Statement

COPY_QUERY = re.compile(r"(?is)^\s*COPY\s*\((?P<query>.*)\)\s*TO\b")
IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s(".]+)'
COPY_TABLE = re.compile(
    rf"(?is)^\s*COPY\s+(?P<table>{IDENTIFIER}(?:\.{IDENTIFIER})*)\s*"
    r"(?:\((?P<columns>[^)]*)\)\s*)?\b(?P<way>TO|FROM)\b"
)
INSERT = re.compile(r"(?is)^\s*INSERT\s+INTO\s+[^\s(]+\s*\((?P<columns>[^)]*)\)")
EVERYTHING = re.compile(r"(?is)^\s*SELECT\s+\*\s+FROM\s+[^\s,;()]+\s*(?:WHERE\b|;|$)")
# What a client puts values in for: it has no meaning for a parser.
PLACEHOLDER = re.compile(r"%\(\w+\)[sbt]|%[sbt]\b")
UNNAMED = re.compile(r"_\d+")
PARTS = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
# The parser calls itself for each operator and each statement within another, and a
# process ends where its stack does: on one of 512 KiB, the smallest that a thread has
# anywhere, at 890 operators with two tokens each, or at 37 times EXPLAIN.
LONGEST = 8_000  # characters of a statement that is parsed
MOST_TOKENS = 600  # of it, besides commas
MOST_STATEMENTS = 8  # of those that begin with EXPLAIN and the like, in one another
TOKEN = re.compile(r'[\w."$]+|[^\w\s."$,;]')
OUTER = re.compile(r"(?i)\b(?:EXPLAIN|DESC|DESCRIBE|PREPARE)\b")


@dataclass(frozen=True)
class Reads:
    """What a statement reads and writes.

    Attributes:
        inputs: Tables that it reads.
        outputs: Tables that it writes.
        origins: For a column that it makes, those that it is made from.
        everything: Whether it takes all columns of its one table as they are.
        skipped: Whether it is too long, or too deep, to be looked at.
    """

    inputs: tuple[DatasetName, ...] = ()
    outputs: tuple[DatasetName, ...] = ()
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    everything: bool = False
    skipped: bool = False


def tables(statement: Statement) -> tuple[DatasetName, ...]:
    """Return the tables that a statement reads; none where it cannot be parsed.

    Examples:
        >>> found = tables(Statement(query="SELECT a FROM t", database="shop"))
        >>> found[0].name
        'shop.public.t'
    """
    return parsed(statement).inputs


def parsed(statement: Statement) -> Reads:
    """Return what a statement reads and writes; nothing where it cannot be parsed.

    A statement of more than 8,000 characters, 600 words and operators or 8 times
    EXPLAIN and the like is skipped.

    Examples:
        >>> query = "COPY (SELECT a + b AS c FROM t) TO STDOUT"
        >>> found = parsed(Statement(query=query, database="shop"))
        >>> [origin.field for origin in found.origins["c"]]
        ['a', 'b']
    """
    copied = COPY_TABLE.match(statement.query)
    if copied:
        return _copied(statement, copied)
    query = COPY_QUERY.match(statement.query)
    text = query["query"] if query else statement.query
    if not _harmless(text):
        return Reads(skipped=True)
    meta = _meta(PLACEHOLDER.sub("NULL", text), statement.dialect)
    if meta is None:
        return Reads()
    found = [(table, _named(statement, table)) for table in meta.in_tables]
    known = _by_name(found)
    lineage = [
        (column.descendant.name, column.lineage) for column in meta.column_lineage
    ]
    sources = [source.origin for _, origins in lineage for source in origins]
    inputs = [name for _, name in found]
    inputs += [_resolved(statement, known, table) for table in sources if table]
    return Reads(
        inputs=tuple(dict.fromkeys(inputs)),
        outputs=tuple(_named(statement, table) for table in meta.out_tables),
        origins=_origins(statement, known, lineage, _listed(text)),
        everything=len(found) == 1 and EVERYTHING.match(text) is not None,
    )


def _harmless(text: str) -> bool:
    """Whether the stack of any thread is large enough for the parser of a text."""
    return (
        len(text) <= LONGEST
        and len(TOKEN.findall(text)) <= MOST_TOKENS
        and len(OUTER.findall(text)) <= MOST_STATEMENTS
    )


def _meta(text: str, dialect: str) -> Any:
    """Return what the parser finds; nothing where it breaks on the text."""
    from openlineage_sql import parse

    try:
        return parse([text], dialect=dialect)
    except RuntimeError:
        return None


def _origins(
    statement: Statement,
    known: Mapping[str, DatasetName],
    lineage: Iterable[tuple[str, Iterable[Any]]],
    listed: frozenset[str] | None,
) -> dict[str, tuple[Origin, ...]]:
    """Return the origins of the columns whose names are those of the output."""
    return {
        name: tuple(
            Origin(
                dataset=_resolved(statement, known, source.origin),
                field=source.name,
                type="",
                subtype="",
            )
            for source in sources
            if source.origin is not None
        )
        for name, sources in lineage
        # `INSERT INTO t (x) SELECT a` writes no `a`, and who knows what `_0` is.
        if not UNNAMED.fullmatch(name) and (listed is None or name in listed)
    }


def _copied(statement: Statement, copied: re.Match[str]) -> Reads:
    """Return what COPY of a table reads or writes."""
    quoted = [match[1] or match[2] for match in PARTS.finditer(copied["table"])]
    table = _placed(statement, [part.replace('""', '"') for part in quoted])
    if copied["way"].upper() == "FROM":
        return Reads(outputs=(table,))
    columns = _split(copied["columns"] or "")
    origins = {
        name: (Origin(dataset=table, field=name, subtype="IDENTITY"),)
        for name in columns
    }
    return Reads(inputs=(table,), origins=origins, everything=not columns)


def _listed(text: str) -> frozenset[str] | None:
    """Return the columns that an INSERT lists; none where it lists none."""
    found = INSERT.match(text)
    return frozenset(_split(found["columns"])) if found else None


def _split(columns: str) -> list[str]:
    return [name.strip().strip('"') for name in columns.split(",") if name.strip()]


def _by_name(found: Iterable[tuple[Any, DatasetName]]) -> dict[str, DatasetName]:
    """Return tables by their bare name, where only one table has it."""
    named: dict[str, set[DatasetName]] = {}
    for table, name in found:
        named.setdefault(table.name, set()).add(name)
    return {bare: names.pop() for bare, names in named.items() if len(names) == 1}


def _resolved(
    statement: Statement, known: Mapping[str, DatasetName], table: Any
) -> DatasetName:
    """Return the table of a column, which may be named by less than the table."""
    whole = table.database or table.schema
    return (None if whole else known.get(table.name)) or _named(statement, table)


def _named(statement: Statement, table: Any) -> DatasetName:
    parts = [part for part in (table.database, table.schema, table.name) if part]
    return _placed(statement, parts)


def _placed(statement: Statement, parts: list[str]) -> DatasetName:
    """Return the name of a table, with the database and schema that it leaves out."""
    defaults = [statement.database, statement.schema_name]
    missing = defaults[: max(3 - len(parts), 0)]
    name = ".".join(part for part in (*missing, *parts) if part)
    return DatasetName(namespace=statement.server or statement.dialect, name=name)
