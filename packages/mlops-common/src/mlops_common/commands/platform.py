"""Commands that raise, show and lower the local platform."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_common.commands.context import AsJson, Force, platform_of

if TYPE_CHECKING:
    from mlops_common.parts.folder import PlatformFolder
    from mlops_common.parts.overview import Row


def up(context: typer.Context, as_json: AsJson = False) -> None:
    """Start the whole platform: Prefect, a worker, deployments, MLflow, services."""
    from mlops_common import console
    from mlops_common.parts.overview import overview
    from mlops_common.parts.raising import up as raise_platform

    platform = platform_of(context)
    with console.following() as steps:
        raised = raise_platform(platform)
    rows = overview(platform)
    if as_json:
        console.print_json(
            {
                "started": list(raised.started),
                "moved": raised.moved,
                "deployments": list(raised.deployments),
                "parts": [row.as_json() for row in rows],
                "seconds": steps.seconds,
            }
        )
        return
    for name, port in raised.moved.items():
        typer.echo(
            f"note: another program took the port of {name}, which is now {port}",
            err=True,
        )
    pages = {row.name: _where(row) for row in rows if row.url}
    pages |= {"deployment": "\n".join(raised.deployments)} if raised.deployments else {}
    console.print_pairs(pages)


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what runs in the home folder, and how it is doing."""
    from mlops_common import console
    from mlops_common.home import size
    from mlops_common.parts.overview import overview

    platform = platform_of(context)
    home = platform.settings.home
    rows = overview(platform)
    if as_json:
        parts = [row.as_json() for row in rows]
        console.print_json({"home": str(home), "size": size(home), "parts": parts})
        return
    typer.echo(f"{home} ({size(home) / 1e6:,.0f} MB)")
    columns = ("process", "state", "pid", "port", "health", "MB", "restarts", "log")
    console.print_rows(columns, map(_cells, rows))
    for row in rows:
        where = f"{row.url} ({row.detail})" if row.url and row.detail else row.url
        for text in filter(None, (where, row.problem)):
            typer.echo(f"{row.name}: {text}")


def logs(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As `mlops status` names it.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="Of its end.")
    ] = 50,
) -> None:
    """Print the end of a log."""
    from mlops_common.parts.logs import log_of, shown
    from mlops_common.parts.overview import overview

    log = log_of(overview(platform_of(context)), name)
    for line in shown(log, lines, follow=follow):
        typer.echo(line)


def down(
    context: typer.Context,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Stop everything that runs in the home folder; nothing is lost."""
    from mlops_common import console
    from mlops_common.home import stop
    from mlops_common.parts.folder import PlatformFolder
    from mlops_common.parts.lowering import cancel_runs

    platform = platform_of(context)
    folder = PlatformFolder(platform.settings.home)
    may_cancel = force or asked_of_runs(folder)
    with console.following():
        cancelled = cancel_runs(folder) if may_cancel else []
        stopped = list(stop(platform))
    if as_json:
        console.print_json({"stopped": stopped, "cancelled": cancelled})
        return
    for name in cancelled:
        typer.echo(f"cancelled {name}")
    for name in stopped:
        typer.echo(f"stopped {name}")
    if not stopped:
        typer.echo(f"nothing runs in {platform.settings.home}")


def asked_of_runs(folder: "PlatformFolder") -> bool:
    """Ask whether runs that go on shall be cancelled; refuse where nobody can answer.

    Returns:
        Whether there are any, and the answer was yes.

    Raises:
        RefusedError: A run goes on, and this is no terminal.
    """
    from mlops_common.errors import RefusedError
    from mlops_common.parts.lowering import check_idle

    try:
        check_idle(folder)
    except RefusedError as error:
        if not sys.stdin.isatty():
            raise
        runs = error.message.partition(";")[0]
        typer.confirm(f"{runs}. Cancel them?", abort=True, err=True)
        return True
    return False


def _where(row: "Row") -> str:
    return f"{row.url} (external)" if row.state == "external" else row.url


def _cells(row: "Row") -> tuple[str, ...]:
    numbers = (row.pid, row.port, row.health, row.memory, row.restarts or None)
    cells = ("" if value is None else str(value) for value in numbers)
    return (row.name, row.state, *cells, row.log)
