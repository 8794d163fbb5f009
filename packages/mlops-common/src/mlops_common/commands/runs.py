"""Commands that run a use case."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_common.commands.context import AsJson, platform_of
from mlops_common.errors import ConfigError

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform
    from mlops_common.console import Steps
    from mlops_common.use_case import UseCase

Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="One param, such as training.seed=1."),
]
ParamsFile = Annotated[
    str | None,
    typer.Option("--params", help="YAML file with params, or a preset's name."),
]
Deployed = Annotated[
    bool, typer.Option("--deployed", help="On a worker, as it is deployed.")
]
Serve = Annotated[
    bool,
    typer.Option("--serve", help="Stay, and run it on schedule without a worker."),
]
DeploymentName = Annotated[
    str,
    typer.Option(
        "--deployment", help="Which one --deployed or --serve takes, if not the first."
    ),
]


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


def run(  # noqa: PLR0913 - the options of the command
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Use case, such as uc1.")] = "",
    assignments: Assignments = None,
    params: ParamsFile = None,
    deployed: Deployed = False,
    serve: Serve = False,
    deployment: DeploymentName = "",
    as_json: AsJson = False,
) -> None:
    """Run one installed use case; without a name, list them."""
    from mlops_common import console, use_case

    if not case:
        _list_use_cases(as_json=as_json)
        return
    from mlops_common.launch import arguments, gathered, launch

    if deployed and serve:
        raise ConfigError("--deployed and --serve exclude each other; give one")
    if deployment and not (deployed or serve):
        raise ConfigError("--deployment says which: give --deployed or --serve too")
    platform = platform_of(context)
    chosen = use_case.find(case)
    values = gathered(chosen, platform.settings, params, assignments or ())
    if deployed or serve:
        # Without options the settings of whoever runs it decide.
        given = arguments(chosen, values) if params or assignments else {}
        elsewhere = _run_deployed if deployed else _serve
        elsewhere(platform, chosen, deployment, given, as_json=as_json)
        return
    with console.following() as steps:
        result = launch(chosen, platform, values)
    _show(result, steps, as_json=as_json)


def _run_deployed(
    platform: "Platform",
    case: "UseCase",
    name: str,
    given: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from mlops_common import console, deployments
    from mlops_common.orchestration.deployments.submission import run_deployed
    from mlops_common.orchestration.server.api import require

    deployment = deployments.find(case.name, name)
    url = require(platform.settings.home).url
    with console.following() as steps:
        run = run_deployed(url, deployment, given, _tell)
    found = {"run": run.name, "state": run.state, "page": run.url}
    if as_json:
        console.print_json({**found, "id": run.identity, "seconds": steps.seconds})
    else:
        console.print_pairs({name.capitalize(): text for name, text in found.items()})


def _serve(
    platform: "Platform",
    case: "UseCase",
    name: str,
    given: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from mlops_common import deployments
    from mlops_common.orchestration.deployments.served import serve

    if as_json:
        raise ConfigError("--serve ends only when it is interrupted: it has no --json")
    serve(case, platform, deployments.find(case.name, name), given)


def _tell(line: str) -> None:
    typer.echo(line, err=True)


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
