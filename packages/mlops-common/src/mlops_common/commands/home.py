"""The command that deletes the home folder."""

from typing import Annotated

import typer

from mlops_common.commands.context import AsJson, Force, platform_of
from mlops_common.commands.platform import asked_of_runs


def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Stop everything and delete the home folder: data, models, history."""
    from mlops_common import console
    from mlops_common.home import reset as reset_home
    from mlops_common.parts.folder import PlatformFolder
    from mlops_common.parts.lowering import cancel_runs

    platform = platform_of(context)
    home = platform.settings.home
    folder, existed = PlatformFolder(home), home.exists()
    may_cancel = force or asked_of_runs(folder)
    if not yes:
        question = f"Delete {home} with all data and models?"
        typer.confirm(question, abort=True, err=True)
    with console.following():
        if may_cancel:
            cancel_runs(folder)
        reset_home(platform)
    if as_json:
        console.print_json({"deleted": str(home) if existed else None})
    else:
        typer.echo(f"deleted {home}" if existed else f"there is no {home} to delete")
