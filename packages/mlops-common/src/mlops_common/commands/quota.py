"""The command that tells what the schedules cost."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from mlops_common.commands.context import AsJson

if TYPE_CHECKING:
    from mlops_common.orchestration.deployments.quota import Quota


def quota(as_json: AsJson = False) -> None:
    """Count the task runs a month of all schedules, against the free 10,000.

    A month is 30 days. Runs that events start are not counted, but told.
    """
    from mlops_common import console, deployments
    from mlops_common.orchestration.deployments.quota import FREE
    from mlops_common.orchestration.deployments.quota import quota as computed

    found = computed(deployments.installed(), datetime.now(UTC))
    if as_json:
        whole = {
            "task_runs": found.task_runs,
            "flow_runs": found.flow_runs,
            "free_task_runs": FREE,
            "share": found.share,
            "dominant": found.dominant.deployment if found.dominant else None,
        }
        costs = [
            {**asdict(cost), "task_runs": cost.task_runs, "flow_runs": cost.flow_runs}
            for cost in found.costs
        ]
        console.print_json({**whole, "deployments": costs})
        return
    _show(found)


def _show(found: "Quota") -> None:
    from mlops_common import console
    from mlops_common.orchestration.deployments.quota import FREE

    columns = ("deployment", "runs", "flow runs", "tasks each", "task runs")
    rows = [
        (
            cost.deployment,
            ", ".join((*cost.schedules, *cost.triggers)) or "when it is asked for",
            f"{cost.flow_runs:,}",
            f"{cost.each.tasks:,}" + ("+" if cost.each.repeated else ""),
            f"{cost.task_runs:,}",
        )
        for cost in found.costs
    ]
    console.print_rows(columns, rows)
    typer.echo(
        f"\n{found.task_runs:,} task runs and {found.flow_runs:,} flow runs a month "
        f"of 30 days by schedule: {found.share:.1%} of the {FREE:,} task runs that are "
        "free"
    )
    for cost in found.costs:
        if cost.triggers:
            typer.echo(
                f"not counted: runs of {cost.deployment} {', '.join(cost.triggers)}; "
                f"each makes up to {cost.each.tasks:,} task runs"
            )
    if found.dominant is not None:
        part = found.dominant.task_runs / found.task_runs
        typer.echo(f"{found.dominant.deployment} makes {part:.0%} of them")
    for cost in found.costs:
        if cost.each.repeated:
            names = ", ".join(cost.each.repeated)
            typer.echo(f"{cost.deployment} makes more: it repeats {names}")
