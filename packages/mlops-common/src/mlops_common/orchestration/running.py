"""The flow runs that go on in a home, as its processes tell it.

Prefect's records say `Running` of a run whose process was killed, too. The processes do
not lie: each of a run, its children included, has the run's number in its variables.
"""

import json
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlops_common import web
from mlops_common.errors import MlopsError
from mlops_common.logger import get_logger
from mlops_common.orchestration.presence import those_present
from mlops_common.orchestration.server import server_url
from mlops_common.orchestration.session import configured_api
from mlops_common.processes import Identity, wait_until

log = get_logger(__name__)

RUN = "PREFECT__FLOW_RUN_ID"
HOME = "MLOPS_HOME"
MARK = "PLATFORM_WORKER"  # variable of what the worker of `mlops up` runs
PATIENCE = 10.0  # seconds
MISTAKEN = 400  # the least status of an error


@dataclass(frozen=True, slots=True)
class Running:
    """A flow run that goes on.

    Attributes:
        id: Its number at the API.
        processes: Those that work for it.
        ours: Whether the worker of `mlops up` started it, and not one by hand.
        name: For people, where no worker runs it; the API knows that of others.
    """

    id: str
    processes: tuple[Identity, ...]
    ours: bool = False
    name: str = ""


def running(home: Path) -> list[Running]:
    """Return the flow runs that go on in a home, by a worker or without."""
    return [*of_workers(home), *direct(home)]


def direct(home: Path) -> list[Running]:
    """Return those that a command runs itself, as `mlops run` does."""
    return [
        Running(str(who.pid), family(who), name=f"mlops run {name} (process {who.pid})")
        for name, who in those_present(home)
    ]


def of_workers(home: Path) -> list[Running]:
    """Return those that a worker started, be it that it died since."""
    found: dict[str, list[Identity]] = defaultdict(list)
    ours = set()
    for pid, variables in _processes(home):
        number = variables[RUN]
        with suppress(ProcessLookupError):
            found[number].append(Identity.of(pid))
        if variables.get(MARK) == str(home):
            ours.add(number)
    return [Running(n, tuple(found[n]), ours=n in ours) for n in sorted(found)]


def bury(home: Path) -> None:
    """End the runs that a worker of `mlops up` left when it died: they crashed."""
    left = [run for run in of_workers(home) if run.ours]
    if not left:
        return
    kill(left)
    log.warning("the worker died during %d flow runs, which crashed", len(left))
    try:
        conclude(home, left, "CRASHED", "The worker died during this run.")
    except MlopsError as error:
        log.warning("the end of its runs cannot be recorded: %s", error)


def kill(runs: Iterable[Running]) -> None:
    """End every process of the runs at once."""
    processes = [process for run in runs for process in run.processes]
    for process in processes:
        process.signal(signal.SIGKILL)
    wait_until(lambda: not any(one.alive() for one in processes), PATIENCE)


def names(home: Path, runs: Iterable[Running]) -> list[str]:
    """Return the names of runs, for people; their numbers where the API is silent."""
    url, headers = _api(home)
    return [run.name or _name(url, headers, run.id) for run in runs]


def conclude(
    home: Path,
    runs: Iterable[Running],
    how: Literal["CANCELLED", "CRASHED"],
    message: str,
) -> None:
    """Record how runs ended that can no longer say so themselves.

    Raises:
        BackendError: The API cannot be reached.
    """
    url, headers = _api(home)
    state = {"type": how, "name": how.title(), "message": message}
    # Not by force: the rules of the server free the run's slot, too.
    told = json.dumps({"state": state}).encode()
    kind = {"Content-Type": "application/json"}
    for run in runs:
        if run.name:
            continue
        address = f"{url}/flow_runs/{run.id}/set_state"
        answer = web.get(address, headers={**headers, **kind}, data=told)
        if answer.status >= MISTAKEN:
            log.warning("run %s was not recorded as %s", run.id, how.lower())


def family(root: Identity) -> tuple[Identity, ...]:
    """Return a process with all that it started and that is still its own."""
    import psutil

    found = [root]
    try:
        children = psutil.Process(root.pid).children(recursive=True)
    except psutil.Error:
        return tuple(found)
    for child in children:
        with suppress(ProcessLookupError):
            found.append(Identity.of(child.pid))
    return tuple(found)


def _api(home: Path) -> tuple[str, dict[str, str]]:
    own = server_url(home)
    return configured_api() or (own or "", {})


def _name(url: str, headers: Mapping[str, str], number: str) -> str:
    try:
        answer = web.get(f"{url}/flow_runs/{number}", headers=headers)
    except MlopsError:
        return number
    return str(answer.json()["name"]) if answer.status == web.OK else number


def _processes(home: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the variables of each process of a run in this home."""
    import psutil

    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except (psutil.Error, OSError):
            continue
        if RUN in variables and variables.get(HOME) == str(home):
            yield process.pid, variables
