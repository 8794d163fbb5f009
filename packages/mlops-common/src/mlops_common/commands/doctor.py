"""The command that examines every system."""

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_common.commands.context import AsJson, platform_of
from mlops_common.errors import BackendError

if TYPE_CHECKING:
    from mlops_common.doctor import Diagnosis

MARKS = {"ok": "✓", "embedded": "•", "degraded": "!", "down": "✗"}


def doctor(
    context: typer.Context,
    deadline: Annotated[
        float, typer.Option(min=0.1, help="Seconds for each system to answer.")
    ] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Examine every system: reachable, authorised, version, what it can do."""
    from mlops_common import console
    from mlops_common.doctor import examine, probes

    platform = platform_of(context)
    wanted = probes(platform)
    with (
        console.following() as steps,
        steps.step("Examine the systems", len(wanted)) as advance,
    ):
        found = []
        for diagnosis in examine(wanted, deadline):
            found.append(diagnosis)
            advance(1)
    found.sort(key=lambda diagnosis: list(wanted).index(diagnosis.system))
    if as_json:
        console.print_json([asdict(diagnosis) for diagnosis in found])
    else:
        _show(found)
    down = any(diagnosis.health.state == "down" for diagnosis in found)
    _leave(BackendError.exit_code if down else 0)


def _leave(code: int) -> None:
    """End the command, be it that an examination hangs."""
    from mlops_common.doctor import examining

    if examining():
        # Python's own end would pull a library's threads down from under it: an abort.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if code:
        raise typer.Exit(code)


def _show(found: "list[Diagnosis]") -> None:
    from mlops_common import console

    columns = ("", "system", "state", "version", "where", "what it can do")
    rows = [
        (
            MARKS[diagnosis.health.state],
            diagnosis.system,
            diagnosis.health.state,
            diagnosis.health.version,
            diagnosis.health.where,
            "; ".join(diagnosis.health.facts),
        )
        for diagnosis in found
    ]
    console.print_rows(columns, rows)
    for diagnosis in found:
        for remedy in diagnosis.health.remedies:
            typer.echo(f"\n{diagnosis.system}: {remedy}")
