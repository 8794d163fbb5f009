"""The `mlops` command: run use cases, load data, look at settings and state."""

import errno
import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_common.errors import BackendError, ConfigError, MlopsError

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform
    from mlops_common.config import Loaded
    from mlops_common.console import Steps

app = typer.Typer(
    name="mlops",
    help="The life of a model as pipelines, on this machine or against a cluster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data = typer.Typer(help="Bring your own data.", no_args_is_help=True)
config = typer.Typer(help="Look at the settings.", no_args_is_help=True)
app.add_typer(data, name="data")
app.add_typer(config, name="config")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.callback()
def options(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--config", help="Settings file.", metavar="FILE")
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show tracebacks and logs.")] = False,
) -> None:
    """The life of a model as pipelines, on this machine or against a cluster."""
    context.obj = {"config": file, "debug": debug}


@app.command()
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
    from mlops_common.demo import run_demo

    platform = _platform(context)
    with _steps() as steps:
        result = run_demo(platform, customers=customers, months=months, seed=seed)
    _show(result, steps, as_json=as_json)


@app.command()
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
    from mlops_common import use_case

    if not case:
        _list_use_cases(as_json=as_json)
        return
    from mlops_common.launch import gathered, launch

    platform = _platform(context)
    chosen = use_case.find(case)
    values = gathered(chosen, platform.settings, params, assignments or ())
    with _steps() as steps:
        result = launch(chosen, platform, values)
    _show(result, steps, as_json=as_json)


@data.command("load")
def data_load(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="CSV, CSV.GZ, Parquet or XLSX.")],
    table: Annotated[str, typer.Option(help="Table to make.")],
    key: Annotated[
        str | None, typer.Option(help="Add a column of this name: 1, 2, 3, …")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the table if it exists.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load a file into PostgreSQL, with inferred types."""
    from mlops_common import console
    from mlops_common.postgres.loading import load_file

    platform = _platform(context)
    with _steps():
        loaded = load_file(platform.postgres, path, table, key=key, replace=replace)
    if as_json:
        console.print_json(
            {
                "table": table,
                "rows": loaded.rows,
                "columns": loaded.columns,
                "blanks": loaded.blanks,
            }
        )
        return
    console.print_rows(("column", "type"), loaded.columns.items())
    typer.echo(f"{loaded.rows:,} rows in table {table}")
    if loaded.blanks:
        typer.echo(f"{loaded.blanks:,} blank values became NULL")


@config.command("show")
def config_show(context: typer.Context, as_json: AsJson = False) -> None:
    """Print every value with its origin; secrets are masked."""
    from mlops_common import console

    loaded = _loaded(context)
    rows = list(loaded.rows())
    if as_json:
        console.print_json({key: {"value": v, "origin": o} for key, v, o in rows})
    else:
        console.print_rows(("key", "value", "origin"), rows)


@config.command("validate")
def config_validate(context: typer.Context) -> None:
    """Check the settings and the sections of the installed use cases."""
    from mlops_common import use_case
    from mlops_common.params import validated

    loaded = _loaded(context)
    for name, case in use_case.installed().items():
        section = getattr(loaded.settings, name)
        validated(case.load_params(), section, where=f"section {name}")
    typer.echo(f"{loaded.file or 'built-in defaults'}: valid")


@config.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of `config.yaml`, for editors."""
    from mlops_common import console
    from mlops_common.settings_schema import schema

    console.print_json(schema())


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what runs in the home folder, and where."""
    from mlops_common import console
    from mlops_common.home import status as home_status

    state = home_status(_platform(context))
    if as_json:
        console.print_json(state)
    else:
        console.print_pairs(state)


@app.command()
def stop(context: typer.Context) -> None:
    """Stop everything that runs in the home folder; nothing is lost."""
    from mlops_common.home import stop as stop_home

    platform = _platform(context)
    with _steps():
        stopped = list(stop_home(platform))
    for name in stopped:
        typer.echo(f"stopped {name}")


@app.command()
def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete the home folder: data, models, history."""
    from mlops_common.home import reset as reset_home

    platform = _platform(context)
    home = platform.settings.home
    if not yes:
        typer.confirm(f"Delete {home} with all data and models?", abort=True)
    with _steps():
        reset_home(platform)
    typer.echo(f"deleted {home}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command; print errors without a traceback and exit with their code."""
    run_command(app, sys.argv[1:] if arguments is None else arguments)


def run_command(command: typer.Typer, words: list[str]) -> None:
    """Run a Typer command as `main` does."""
    try:
        _check_platform()
        command(args=words)
    except MlopsError as error:
        raise SystemExit(_told(error, words)) from None
    except OSError as error:
        raise SystemExit(_told(_disk_problem(error), words)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        if "--debug" in words:
            raise
        raise SystemExit(_unexpected(error, words)) from None


def _disk_problem(error: OSError) -> MlopsError:
    """Say what a system error means, of a file or the disk, that nobody expected."""
    reason = f"{error.strerror or error}: {error.filename or 'the home folder'}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return BackendError(
            f"{reason}; free some space, or point MLOPS_HOME at another disk"
        )
    return ConfigError(
        f"{reason}; check that the folder is yours, or set MLOPS_HOME to another"
    )


def _told(error: MlopsError, words: list[str]) -> int:
    """Print an error, with its traceback only for `--debug`; return its exit code."""
    from mlops_common.console import print_error

    if "--debug" in words:
        traceback.print_exc()
    print_error(error, as_json="--json" in words)
    return error.exit_code


def _unexpected(error: Exception, words: list[str]) -> int:
    """Say that a mistake of ours ended the command, and how to see where."""
    from mlops_common.console import stderr

    kind = type(error).__name__
    text = (
        f"unexpected {kind}: {error}\nThis is a mistake in mlops, not in your input; "
    )
    remedy = f"`mlops --debug {shlex.join(words)}` shows where it happened."
    stderr().print(text + remedy, markup=False, highlight=False)
    return 1


def _check_platform() -> None:
    if sys.platform not in ("linux", "darwin"):
        raise ConfigError(
            f"mlops runs on Linux and macOS, found {sys.platform}; "
            "on Windows use the Windows Subsystem for Linux (WSL 2)"
        )


def _loaded(context: typer.Context) -> "Loaded":
    from mlops_common.config import load

    return load(context.obj["config"])


def _platform(context: typer.Context) -> "Platform":
    """Connect, and let every child process find the same settings."""
    from mlops_common.bootstrap import Platform
    from mlops_common.orchestration import quiet

    loaded = _loaded(context)
    for warning in loaded.warnings():
        typer.echo(f"warning: {warning}", err=True)
    platform = Platform(loaded.settings, loaded.file)
    os.environ.update(platform.environment)
    quiet(debug=context.obj["debug"])
    return platform


def _steps() -> Any:
    from mlops_common.console import following

    return following()


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


if __name__ == "__main__":
    main()
