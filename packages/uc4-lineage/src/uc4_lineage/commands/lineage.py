"""The commands that ask the lineage, `mlops lineage …`."""

from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mlops_common.commands.context import AsJson, platform_of
from uc4_lineage.commands import graph, serve, tables
from uc4_lineage.commands.opening import instant, opened, opened_on
from uc4_lineage.commands.output import say, tell
from uc4_lineage.questions.runs import State

app = typer.Typer(
    help="Ask what was made from what, and see it.",
    no_args_is_help=True,
    epilog="NODE is a job, a dataset or a column: its id, its name, or any end of it "
    "that no other has; a column follows its dataset and a point. TIME is ISO 8601, "
    "in UTC where it has no zone, or `now`.",
)

CENTURY = 36_525  # days

AnyNode = Annotated[str, typer.Argument(metavar="NODE", show_default=False)]
Depth = Annotated[
    int | None,
    typer.Option(min=1, help="Most edges to follow: 1 is the jobs next to a dataset."),
]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="As it was at a time.")
]
Limit = Annotated[int, typer.Option(min=1, help="Most lines.")]


@app.command()
def up(
    context: typer.Context,
    node: AnyNode,
    depth: Depth = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what something was made from."""
    from uc4_lineage.graph import Direction
    from uc4_lineage.questions.closure import closure

    with opened(context) as reader:
        found = closure(reader, node, Direction.UP, depth, past(at))
    tell(found, tables.closure, as_json=as_json)


@app.command()
def down(
    context: typer.Context,
    node: AnyNode,
    depth: Depth = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what is made from something."""
    from uc4_lineage.graph import Direction
    from uc4_lineage.questions.closure import closure

    with opened(context) as reader:
        found = closure(reader, node, Direction.DOWN, depth, past(at))
    tell(found, tables.closure, as_json=as_json)


@app.command()
def impact(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="DATASET[.COLUMN]")],
    depth: Depth = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what breaks when a dataset or a column changes."""
    from uc4_lineage.questions import impact as question

    with opened(context) as reader:
        found = question.impact(reader, dataset, depth, past(at))
    tell(found, tables.impact, as_json=as_json)


@app.command()
def path(
    context: typer.Context,
    start: Annotated[str, typer.Argument(metavar="A", help="Where data comes from.")],
    end: Annotated[str, typer.Argument(metavar="B", help="Where it goes.")],
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show a shortest way along which data flows from one node to another."""
    from uc4_lineage.questions import closure

    with opened(context) as reader:
        found = closure.path(reader, start, end, past(at))
    tell(found, tables.path, as_json=as_json)


@app.command("as-of")
def as_of(
    context: typer.Context,
    time: Annotated[str, typer.Argument(metavar="TIME")],
    as_json: AsJson = False,
) -> None:
    """Show the graph as it was at a time: what each job read and wrote."""
    from uc4_lineage.questions import history

    with opened(context) as reader:
        found = history.as_of(reader, instant(time))
    tell(found, tables.state, as_json=as_json)


@app.command()
def diff(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="TIME")],
    second: Annotated[str, typer.Argument(metavar="TIME")] = "now",
    as_json: AsJson = False,
) -> None:
    """Show which jobs, datasets, edges and columns came and went between two times."""
    from uc4_lineage.questions import history

    begin, end = instant(first), instant(second)
    with opened(context) as reader:
        found = history.diff(reader, begin, end)
    if end < begin:
        say("the second time is before the first: this is told backwards", err=True)
    tell(found, partial(tables.diff, first=begin, second=end), as_json=as_json)


@app.command()
def runs(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="Only of this job.")] = None,
    state: Annotated[
        State | None, typer.Option(case_sensitive=False, help="Only in this state.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only heard of at this time or later."),
    ] = None,
    limit: Limit = 20,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest runs: their state, duration, job and error."""
    from uc4_lineage.questions import runs as question

    with opened(context) as reader:
        found = question.runs(reader, job, state, past(since), limit, past(at))
    tell(found, tables.runs, as_json=as_json)


@app.command()
def orphans(context: typer.Context, at: At = None, as_json: AsJson = False) -> None:
    """Show datasets that are read but never written, or written but never read."""
    from uc4_lineage.questions import gaps

    with opened(context) as reader:
        found = gaps.orphans(reader, past(at))
    tell(found, tables.orphans, as_json=as_json)


@app.command()
def stale(
    context: typer.Context,
    days: Annotated[
        float,
        typer.Option(
            min=0, max=CENTURY, help="Days without a version, or without an end."
        ),
    ] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Show datasets without a new version, and runs that never ended."""
    from uc4_lineage.questions import gaps

    with opened(context) as reader:
        found = gaps.stale(reader, days, datetime.now(UTC))
    tell(found, tables.stale, as_json=as_json)


@app.command()
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Part of a name.")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the jobs and datasets, or those whose names contain a text."""
    from uc4_lineage.questions import search as question

    with opened(context) as reader:
        found = question.search(reader, text, limit)
    tell(found, tables.listed, as_json=as_json)


@app.command()
def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A JSON array, or an event a line.")],
    as_json: AsJson = False,
) -> None:
    """Read the events of a file; a second time changes nothing."""
    from uc4_lineage.questions import replay as question

    platform = platform_of(context)
    with (
        opened_on(platform, may_be_empty=True) as reader,
        closing(platform.lineage_store) as store,
    ):
        found = question.replay(store, reader, file)
    tell(found, tables.replayed, as_json=as_json)


app.command()(graph.graph)
app.command()(serve.serve)


def past(text: str | None) -> datetime | None:
    """Read a time that may have been left out."""
    return None if text is None else instant(text)
