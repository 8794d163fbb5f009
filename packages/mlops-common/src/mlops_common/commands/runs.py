"""Commands that run a use case."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_common.commands.context import AsJson, platform_of

if TYPE_CHECKING:
    from mlops_common.console import Steps


def demo(
    context: typer.Context,
    customers: Annotated[int, typer.Option(min=500, help="Customers to simulate.")] = (
        5_000
    ),
    months: Annotated[int, typer.Option(min=3, help="Monthly snapshots.")] = 6,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Simulate a company, then train, check, serve and explain its churn model."""
    from mlops_common import console
    from mlops_common.demo import run_demo

    platform = platform_of(context)
    with console.following() as steps:
        result = run_demo(platform, customers=customers, months=months, seed=seed)
    _show(result, steps, as_json=as_json)


def run(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Use case, such as uc1.")] = "",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="One param, such as training.seed=1."),
    ] = None,
    params: Annotated[
        str | None,
        typer.Option("--params", help="YAML file with params, or a preset's name."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run one installed use case; without a name, list them."""
    from mlops_common import console, use_case

    if not case:
        _list_use_cases(as_json=as_json)
        return
    from mlops_common.launch import gathered, launch

    platform = platform_of(context)
    chosen = use_case.find(case)
    values = gathered(chosen, platform.settings, params, assignments or ())
    with console.following() as steps:
        result = launch(chosen, platform, values)
    _show(result, steps, as_json=as_json)


def _show(result: Any, steps: "Steps", *, as_json: bool) -> None:
    from mlops_common import console

    if as_json:
        console.print_json({**result.model_dump(mode="json"), "seconds": steps.seconds})
    else:
        console.print_pairs(result.summary())
        typer.echo(result.closing())


def _list_use_cases(*, as_json: bool) -> None:
    from mlops_common import console, use_case

    titles = {name: case.title for name, case in use_case.installed().items()}
    if as_json:
        console.print_json(titles)
    else:
        console.print_pairs(titles, title="Installed use cases")
