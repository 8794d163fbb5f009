"""The commands that trace back, `mlops trace …`."""

from typing import Annotated

import typer

from mlops_common.commands.context import AsJson, platform_of
from uc4_lineage.commands import traces
from uc4_lineage.commands.opening import opened_on
from uc4_lineage.commands.output import tell

app = typer.Typer(
    help="Trace a prediction or a model back to what it was made from.",
    no_args_is_help=True,
)


@app.command()
def prediction(
    context: typer.Context,
    request: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of the request.")
    ] = None,
    entity: Annotated[
        str | None,
        typer.Option(help="Whom it is about; without an ID its last prediction."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trace one prediction to its features, data, model and code."""
    from uc4_lineage.trace.prediction import trace_prediction

    platform = platform_of(context)
    with opened_on(platform, may_be_empty=True) as reader:
        found = trace_prediction(platform, reader, request, entity)
    tell(found, traces.prediction, as_json=as_json)


@app.command()
def model(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="NAME/VERSION")],
    as_json: AsJson = False,
) -> None:
    """Trace one version of a model to its data and code."""
    from uc4_lineage.trace.model import named_model, trace_model

    name, number = named_model(version)
    platform = platform_of(context)
    with opened_on(platform, may_be_empty=True) as reader:
        found = trace_model(platform, reader, name, number)
    tell(found, traces.model, as_json=as_json)
