"""The command that draws the graph, `mlops lineage graph`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_common.commands.context import AsJson
from mlops_common.errors import BackendError, ConfigError
from uc4_lineage.commands.opening import instant, opened
from uc4_lineage.commands.output import say, tell
from uc4_lineage.graph import Direction
from uc4_lineage.wording import counted

if TYPE_CHECKING:
    from uc4_lineage.page.content import PageContent


def graph(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    node: Annotated[
        str | None,
        typer.Argument(metavar="NODE", help="Only this and its lineage; else all."),
    ] = None,
    only: Annotated[
        Direction | None, typer.Option(help="Only what NODE is made from, or makes.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Most edges to follow from NODE.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As it was at a time.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", dir_okay=False, help="Where to write it.")
    ] = Path("lineage.html"),
    as_json: AsJson = False,
) -> None:
    """Draw the graph as one interactive page, which needs no network."""
    from uc4_lineage.page.around import BOTH, around, whole

    if node is None and (only is not None or depth is not None):
        raise ConfigError("--only and --depth need a NODE to start from: name one")
    time = None if at is None else instant(at)
    directions = BOTH if only is None else (only,)
    with opened(context) as reader:
        if node is None:
            content = whole(reader, time)
        else:
            content = around(reader, node, directions, depth, time)
    page = _written(content, output.absolute())
    datasets = sum(one.shape == "dataset" for one in content.nodes)
    jobs = len(content.nodes) - datasets
    found = {"page": str(page), "datasets": datasets, "jobs": jobs}
    tell(found, _show, as_json=as_json)


def _written(content: "PageContent", path: Path) -> Path:
    """Write the page where it was asked for, which need not be the home folder.

    Raises:
        BackendError: It cannot be written there.
    """
    from uc4_lineage.page.document import write

    try:
        return write(content, path)
    except BackendError as error:
        cause = error.__cause__
        reason = cause.strerror if isinstance(cause, OSError) else error
        raise BackendError(
            f"cannot write {path}: {reason}; name another file with --output"
        ) from error


def _show(found: dict[str, Any]) -> None:
    datasets = counted(found["datasets"], "dataset")
    say(f"{datasets} and {counted(found['jobs'], 'job')}; open this in a browser:")
    say(Path(found["page"]).as_uri())
