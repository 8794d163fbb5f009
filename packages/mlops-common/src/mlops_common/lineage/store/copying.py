"""Rows as PostgreSQL's COPY reads them, without a call for each value."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import psycopg

Value: TypeAlias = str | int | bool | None

NULL = r"\N"


def lines(rows: Iterable[Sequence[Value]]) -> bytes:
    r"""Return rows in the text format of COPY.

    Examples:
        >>> lines([("a\tb", 1, None), ("C:\\", True, "")])
        b'a\\tb\t1\t\\N\nC:\\\\\tTrue\t\n'
    """
    return "".join(map(line, rows)).encode()


def line(row: Sequence[Value]) -> str:
    r"""Return a row in the text format of COPY.

    Examples:
        >>> line(("a\nb", None))
        'a\\nb\t\\N\n'
    """
    texts = [
        NULL if value is None else value if isinstance(value, str) else str(value)
        for value in row
    ]
    text = "\t".join(texts)
    plain = text.count("\\") == row.count(None) and "\n" not in text
    if plain and "\r" not in text and text.count("\t") == len(texts) - 1:
        return text + "\n"
    pairs = zip(row, texts, strict=True)
    escaped = [NULL if value is None else _escaped(text) for value, text in pairs]
    return "\t".join(escaped) + "\n"


def copy(connection: psycopg.Connection, target: str, data: bytes) -> None:
    """Copy lines to a table of ours.

    Args:
        connection: In a transaction.
        target: The table, perhaps with its columns in parentheses.
        data: As `lines` makes them.
    """
    statement = f"COPY {target} FROM STDIN".encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copying:
        copying.write(data)


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\\").replace("\t", r"\t")
    return text.replace("\n", r"\n").replace("\r", r"\r")
