"""The `mlops` command: its options, its groups of commands and its exit codes."""

import errno
import shlex
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from mlops_common.commands import config, data, doctor, home, platform, quota, runs
from mlops_common.commands.brought import Commands
from mlops_common.errors import BackendError, ConfigError, MlopsError

app = typer.Typer(
    name="mlops",
    cls=Commands,
    help="The life of a model as pipelines, on this machine or against a cluster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
bring = typer.Typer(help="Bring your own data.", no_args_is_help=True)
look = typer.Typer(help="Look at the settings.", no_args_is_help=True)

app.command()(runs.demo)
app.command()(runs.run)
app.add_typer(bring, name="data")
bring.command()(data.load)
app.add_typer(look, name="config")
look.command()(config.show)
look.command()(config.validate)
look.command()(config.schema)
app.command()(doctor.doctor)
app.command()(platform.up)
app.command()(platform.status)
app.command()(platform.logs)
app.command()(platform.down)
app.command()(home.reset)
app.command()(quota.quota)


@app.callback()
def options(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--config", help="Settings file.", metavar="FILE")
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and logs.")
    ] = False,
) -> None:
    """The life of a model as pipelines, on this machine or against a cluster."""
    context.obj = {"config": file, "debug": debug}


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


if __name__ == "__main__":
    main()
