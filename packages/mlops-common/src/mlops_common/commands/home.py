"""The command that deletes the home folder."""

from typing import Annotated

import typer

from mlops_common.commands.context import AsJson, platform_of


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
