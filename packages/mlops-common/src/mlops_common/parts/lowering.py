"""Ends what the keeper keeps: at first the keeper, then its parts."""

from collections.abc import Iterator

from mlops_common.errors import RefusedError
from mlops_common.files import make_folder
from mlops_common.orchestration.deployments import running
from mlops_common.parts.folder import PlatformFolder
from mlops_common.parts.part import WORKER
from mlops_common.parts.program import GRACE
from mlops_common.processes import Process
from mlops_common.progress import step


def lower(folder: PlatformFolder) -> Iterator[str]:
    """End the keeper and the parts that only it starts.

    They are found by their records, not by the settings, which may be others by now.

    Yields:
        The name of each after it ended.
    """
    folder.forget()
    for process in (folder.keeper, *recorded(folder)):
        if process.running():
            with step(f"Stop {process.name}"):
                process.stop(GRACE)
            yield process.name


def recorded(folder: PlatformFolder) -> list[Process]:
    """Return the parts that were ever started, be it that they run or not."""
    records = sorted(folder.parts.glob("*.json"), reverse=True)
    return [Process(folder.parts, record.stem) for record in records]


def check_idle(folder: PlatformFolder) -> None:
    """Check that no flow run goes on.

    Raises:
        RefusedError: One does; names them.
    """
    active = running.ongoing(folder.home)
    if active:
        told = ", ".join(running.names(folder.home, active))
        raise RefusedError(
            f"flow runs go on: {told}; wait for their end, or cancel them with "
            "`mlops down --force`",
            {"runs": [run.id for run in active]},
        )


def cancel_runs(folder: PlatformFolder) -> list[str]:
    """Cancel every flow run that goes on, with its children; return their names."""
    active = running.ongoing(folder.home)
    told = running.names(folder.home, active)
    if active:
        make_folder(folder.path)
        with folder.turn(), step("Cancel the flow runs"):
            # The worker would say of them that they crashed.
            folder.forget()
            folder.keeper.stop()
            Process(folder.parts, WORKER).stop(grace=0)
            running.kill(active)
            message = "Cancelled by `mlops down --force`."
            running.conclude(folder.home, active, "CANCELLED", message)
    return told
