"""Rows as PostgreSQL's COPY reads them, without a call for each value."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Value: TypeAlias = str | int | bool | None

SPECIAL = re.compile(r"[\\\t\n\r]")


def lines(rows: Iterable[Sequence[Value]]) -> bytes:
    r"""Return rows in the text format of COPY.

    Examples:
        >>> lines([("a\tb", 1, None), ("C:\\", True, "")])
        b'a\\tb\t1\t\\N\nC:\\\\\tTrue\t\n'
    """
    text = "".join(["\t".join(map(field, row)) + "\n" for row in rows])
    return text.encode()


def field(value: Value) -> str:
    r"""Return a value in the text format of COPY.

    Examples:
        >>> field("a\nb"), field(None)
        ('a\\nb', '\\N')
    """
    if value is None:
        return r"\N"
    text = value if isinstance(value, str) else str(value)
    return _escaped(text) if SPECIAL.search(text) else text


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\\").replace("\t", r"\t")
    return text.replace("\n", r"\n").replace("\r", r"\r")
