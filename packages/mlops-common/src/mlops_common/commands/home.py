"""Commands that look after the home folder and what runs in it."""

from typing import Annotated

import typer

from mlops_common.commands.context import AsJson, platform_of


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what runs in the home folder, and where."""
    from mlops_common import console
    from mlops_common.home import status as home_status

    state = home_status(platform_of(context))
    if as_json:
        console.print_json(state)
    else:
        console.print_pairs(state)


def stop(context: typer.Context, as_json: AsJson = False) -> None:
    """Stop everything that runs in the home folder; nothing is lost."""
    from mlops_common import console
    from mlops_common.home import stop as stop_home

    platform = platform_of(context)
    with console.following():
        stopped = list(stop_home(platform))
    if as_json:
        console.print_json({"stopped": stopped})
        return
    for name in stopped:
        typer.echo(f"stopped {name}")
    if not stopped:
        typer.echo(f"nothing runs in {platform.settings.home}")


def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop everything and delete the home folder: data, models, history."""
    from mlops_common import console
    from mlops_common.home import reset as reset_home

    platform = platform_of(context)
    home = platform.settings.home
    existed = home.exists()
    if not yes:
        question = f"Delete {home} with all data and models?"
        typer.confirm(question, abort=True, err=True)
    with console.following():
        reset_home(platform)
    if as_json:
        console.print_json({"deleted": str(home) if existed else None})
    else:
        typer.echo(f"deleted {home}" if existed else f"there is no {home} to delete")
