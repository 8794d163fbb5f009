"""The command that serves the lineage over HTTP, `mlops lineage serve`."""

from pathlib import Path
from typing import Annotated

import typer

from mlops_common.commands.context import platform_of
from mlops_common.errors import ConfigError
from mlops_common.processes import LOOPBACK
from uc4_lineage.commands.output import say


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Address to listen at; an open one needs a key.")
    ] = LOOPBACK,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="5000 when omitted; any if it is taken."),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Its first line is the key that clients must send.",
        ),
    ] = None,
) -> None:
    """Take OpenLineage events over HTTP, and answer as Marquez does."""
    from uc4_lineage.marquez_api.serving import serve as run

    key = None if api_key_file is None else key_of(api_key_file)
    run(platform_of(context), host, port, key, tell=_tell)


def key_of(file: Path) -> str:
    """Return the key that a file holds.

    Raises:
        ConfigError: It cannot be read, or its first line is empty.
    """
    try:
        key = file.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read the API's key in {file}: {why}") from error
    if not key:
        raise ConfigError(f"the first line of {file} is empty; expected the key there")
    return key


def _tell(url: str) -> None:
    say(f"{url} shows the graph, and answers as Marquez does")
    say(f"OPENLINEAGE_URL={url} lets Spark, Airflow, dbt and others send events to it")
    say("Ctrl-C ends it", err=True)
