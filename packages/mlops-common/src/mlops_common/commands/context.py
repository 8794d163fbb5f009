"""What every command starts from: its settings and the platform they name."""

import logging
import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform
    from mlops_common.config import Loaded

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Force = Annotated[
    bool, typer.Option("--force", help="Cancel the flow runs that go on.")
]


def loaded_of(context: typer.Context) -> "Loaded":
    """Read the settings that the command was given."""
    from mlops_common.config import load

    return load(context.obj["config"])


def platform_of(context: typer.Context) -> "Platform":
    """Connect, and let every child process find the same settings."""
    from mlops_common.bootstrap import Platform
    from mlops_common.orchestration.server.session import quiet

    loaded = loaded_of(context)
    warn(loaded)
    platform = Platform(loaded.settings, loaded.file)
    os.environ.update(platform.environment)
    # What Prefect cannot log must not stand between the lines of the command.
    logging.raiseExceptions = context.obj["debug"]
    quiet(debug=context.obj["debug"])
    return platform


def warn(loaded: "Loaded") -> None:
    """Print the warnings of the settings on standard error."""
    for warning in loaded.warnings():
        typer.echo(f"warning: {warning}", err=True)
