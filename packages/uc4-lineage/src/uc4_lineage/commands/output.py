"""How answers look in a terminal: no name can colour it or move its cursor."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

import typer

from uc4_lineage.answers import iso, plain
from uc4_lineage.naming import shown
from uc4_lineage.node import Kind, Node

Answer = TypeVar("Answer")
Cell: TypeAlias = str | tuple[str, ...]

WORDS = {Kind.DATASET: "dataset", Kind.JOB: "job", Kind.FIELD: "column"}


def tell(answer: Answer, show: Callable[[Answer], None], *, as_json: bool) -> None:
    """Print an answer, as JSON or as `show` does."""
    from mlops_common.console import print_json

    if as_json:
        print_json(plain(answer))
    else:
        show(answer)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows under a header; what does not fit goes on in the next line.

    Args:
        columns: The header.
        rows: Their cells; several texts stand below each other.
    """
    from rich.table import Table

    from mlops_common.console import stdout

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    stdout().print(table, highlight=False, markup=False)


def _cell(cell: Cell) -> str:
    lines = (cell,) if isinstance(cell, str) else cell
    return "\n".join(map(shown, lines))


def say(text: str, *, err: bool = False) -> None:
    """Print a line that may hold names."""
    typer.echo(shown(text), err=err)


def called(node: Node) -> str:
    """Return the name of a node without its namespace."""
    return f"{node.name}.{node.field}" if node.field else node.name


def what(node: Node) -> str:
    """Return what a node is, in a word."""
    return WORDS[node.kind]


def moment(at: datetime | None) -> str:
    """Return a time to the second, in ISO 8601; empty where there is none."""
    return "" if at is None else iso(at.replace(microsecond=0))


def lasting(seconds: float | None) -> str:
    """Return a duration for people; empty where there is none.

    Examples:
        >>> lasting(0.25), lasting(75.0), lasting(7_500.0)
        ('0.2 s', '1 min 15 s', '2 h 5 min')
    """
    if seconds is None:
        return ""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(number: int, thing: str) -> str:
    """Return how many there are of something.

    Examples:
        >>> counted(1, "job"), counted(1_200, "dataset")
        ('1 job', '1,200 datasets')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
