"""What the `mlops` command shows: steps as they run, tables, errors."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from mlops_common.errors import MlopsError, RefusedError
from mlops_common.progress import Advance, Unit, listening


class Amount(TaskProgressColumn):
    """How much of a step is done: bytes, or a share of anything else."""

    def render(self, task: Task) -> Text:
        """Draw one step."""
        if task.fields.get("unit") == "bytes":
            return DownloadColumn(binary_units=True).render(task)
        return super().render(task)


PIPE_WIDTH = 10_000  # characters; programs read URLs and paths whole


@dataclass
class Steps:
    """Listens to progress: live bars in a terminal, one line per finished step.

    Attributes:
        console: Where to draw; standard error, so that output can be piped.
        seconds: Wall time of each finished outermost step, in order of finish.
    """

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)
    _bars: Progress | None = None
    _depth: int = 0

    @contextmanager
    def drawing(self) -> Iterator["Steps"]:
        """Draw until the block ends."""
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            Amount(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with self._bars:
            yield self

    @contextmanager
    def step(
        self, description: str, total: float | None, unit: Unit = ""
    ) -> Iterator[Advance]:
        """Draw one step; outermost ones leave a line with their time."""
        bars = self._bars
        if bars is None:
            yield lambda _amount: None
            return
        indent = "  " * self._depth
        bar = bars.add_task(f"{indent}{description}", total=total, unit=unit)
        self._depth += 1
        start = time.perf_counter()
        try:
            yield lambda amount: bars.advance(bar, amount)
        except BaseException:
            self._finish(bar, description, time.perf_counter() - start, mark="✗")
            raise
        self._finish(bar, description, time.perf_counter() - start, mark="✓")

    def _finish(self, bar: TaskID, description: str, took: float, mark: str) -> None:
        self._depth -= 1
        if self._bars is not None:
            self._bars.remove_task(bar)
        if self._depth == 0:
            colour = "green" if mark == "✓" else "red"
            self.seconds[description] = round(took, 3)
            line = f"[{colour}]{mark}[/] {description} [dim]{took:.1f} s[/]"
            self.console.print(line, highlight=False)


@contextmanager
def following() -> Iterator[Steps]:
    """Draw every step of the block on standard error, and time it."""
    with Steps(stderr()).drawing() as steps, listening(steps):
        yield steps


def stderr() -> Console:
    """Return a console on standard error."""
    return Console(stderr=True, soft_wrap=True)


def stdout() -> Console:
    """Return a console on standard output; in a pipe no line is folded."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def print_json(value: Any) -> None:
    """Print a value as JSON, for programs."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def print_pairs(pairs: Mapping[str, str], title: str = "") -> None:
    """Print names and values as a two-column table."""
    table = Table(title=title, show_header=False, title_justify="left", box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, value)
    stdout().print(table, highlight=False, markup=False)


def print_rows(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print rows under a header."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    stdout().print(table, highlight=False, markup=False)


def print_error(error: MlopsError, *, as_json: bool = False) -> None:
    """Print one clear message: what was expected, found, and what to do."""
    kind = type(error).__name__
    evidence = error.evidence if isinstance(error, RefusedError) else {}
    if as_json:
        print_json({"error": kind, "message": str(error), "evidence": evidence})
        return
    console = stderr()
    console.print(f"[red bold]{kind}[/]", highlight=False)
    console.print(str(error), markup=False, highlight=False)
    for name, value in evidence.items():
        shown = f"{value:,.7g}" if isinstance(value, float) else value
        console.print(f"  {name}: {shown}", markup=False, highlight=False)
