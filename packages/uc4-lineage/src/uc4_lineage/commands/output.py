"""How answers look in a terminal: no name can colour it or move its cursor."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

import typer

from uc4_lineage.answers import plain
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


def labels(nodes: Iterable[Node]) -> dict[Node, str]:
    """Return the name of each node, with its namespace where others have it too.

    Examples:
        >>> tables = Node.dataset("db", "orders"), Node.dataset("lake", "orders")
        >>> [*labels(tables).values()], [*labels(tables[:1]).values()]
        (['db:orders', 'lake:orders'], ['orders'])
    """
    known = set(nodes)
    holders = Counter((node.kind, called(node)) for node in known)
    shared = {name for name, count in holders.items() if count > 1}
    return {
        node: f"{node.namespace}:{called(node)}"
        if (node.kind, called(node)) in shared
        else called(node)
        for node in sorted(known)
    }


def what(node: Node) -> str:
    """Return what a node is, in a word."""
    return WORDS[node.kind]
