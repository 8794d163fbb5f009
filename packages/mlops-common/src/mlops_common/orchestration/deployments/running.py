"""The flow runs that go on in a home, as its processes tell it.

Prefect's records say `Running` of a run whose process was killed, too. The processes do
not lie: each says in the home that it runs a flow, and each of a run that a worker of
the platform started, its children included, has the run's number in its variables.
"""

import json
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlops_common import web
from mlops_common.errors import MlopsError
from mlops_common.logger import get_logger
from mlops_common.orchestration.presence import those_present
from mlops_common.orchestration.server.api import Api, at, locate
from mlops_common.processes import Identity, wait_until

log = get_logger(__name__)

RUN = "PREFECT__FLOW_RUN_ID"
HOME = "MLOPS_HOME"
MARK = "PLATFORM_WORKER"  # variable of what the worker of `mlops up` runs
PATIENCE = 10.0  # seconds
MISTAKEN = 400  # the least status of an error
FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class Running:
    """A flow run that goes on.

    Attributes:
        id: Its number at the API, or that of its process where it has none there.
        processes: Those that work for it.
        ours: Whether the worker of `mlops up` started it, and not one by hand.
        name: For people, where it says so itself.
        api: URL of the API that knows it; empty where none does.
    """

    id: str
    processes: tuple[Identity, ...]
    ours: bool = False
    name: str = ""
    api: str = ""


def running(home: Path) -> list[Running]:
    """Return the flow runs that go on in a home, by a worker or without."""
    found = of_workers(home)
    known = {run.id for run in found}
    return [*found, *(run for run in said(home) if run.id not in known)]


def ongoing(home: Path) -> list[Running]:
    """Return the flow runs that go on, once the ended ones have cleared up.

    A process outlives the end that its run reports: it sends its last logs and events.
    It is no hindrance, unless it stays.
    """
    ended = [run for run in running(home) if _state(home, run) in FINAL]
    processes = [process for run in ended for process in run.processes]
    wait_until(lambda: not any(one.alive() for one in processes), PATIENCE)
    return running(home)


def said(home: Path) -> list[Running]:
    """Return those that say so themselves, whoever started them."""
    return [
        Running(
            one.run or str(one.process.pid),
            family(one.process),
            name=f"{one.name} (process {one.process.pid})",
            api=one.api,
        )
        for one in those_present(home)
    ]


def of_workers(home: Path) -> list[Running]:
    """Return those that a worker started, be it that it died since."""
    found: dict[str, list[Identity]] = defaultdict(list)
    ours, apis = set(), {}
    for pid, variables in _processes(home):
        number = variables[RUN]
        with suppress(ProcessLookupError):
            found[number].append(Identity.of(pid))
        apis[number] = variables.get("PREFECT_API_URL", "")
        if variables.get(MARK) == str(home):
            ours.add(number)
    return [
        Running(n, tuple(found[n]), ours=n in ours, api=apis[n]) for n in sorted(found)
    ]


def bury(home: Path) -> None:
    """End the runs that a worker of `mlops up` left when it died: they crashed."""
    left = [run for run in of_workers(home) if run.ours]
    if not left:
        return
    kill(left)
    log.warning("the worker died during %d flow runs, which crashed", len(left))
    conclude(home, left, "CRASHED", "The worker died during this run.")


def kill(runs: Iterable[Running]) -> None:
    """End every process of the runs at once."""
    processes = [process for run in runs for process in run.processes]
    for process in processes:
        process.signal(signal.SIGKILL)
    wait_until(lambda: not any(one.alive() for one in processes), PATIENCE)


def names(home: Path, runs: Iterable[Running]) -> list[str]:
    """Return the names of runs, for people; their numbers where the API is silent."""
    return [run.name or str(_record(home, run).get("name", run.id)) for run in runs]


def conclude(
    home: Path,
    runs: Iterable[Running],
    how: Literal["CANCELLED", "CRASHED"],
    message: str,
) -> None:
    """Record how runs ended that can no longer say so themselves, where it can be."""
    state = {"type": how, "name": how.title(), "message": message}
    # Not by force: the rules of the server free the run's slot, too.
    told = json.dumps({"state": state}).encode()
    kind = {"Content-Type": "application/json"}
    for run in runs:
        if run.name and not run.api:
            continue
        api = _api(home, run)
        address = f"{api.url}/flow_runs/{run.id}/set_state"
        try:
            answer = web.request(address, headers={**api.headers, **kind}, data=told)
        except MlopsError as error:
            log.warning("the end of run %s cannot be recorded: %s", run.id, error)
            continue
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


def _api(home: Path, run: Running) -> Api:
    """Return the API that knows a run."""
    return at(run.api) if run.api else locate(home) or Api("")


def _state(home: Path, run: Running) -> str:
    """Return the type of a run's state; empty where no API knows the run."""
    if run.name and not run.api:
        return ""
    return str(_record(home, run).get("state_type") or "")


def _record(home: Path, run: Running) -> dict[str, Any]:
    """Return what the API tells of a run; nothing where it is silent."""
    api = _api(home, run)
    try:
        answer = web.request(f"{api.url}/flow_runs/{run.id}", headers=api.headers)
    except MlopsError:
        return {}
    return dict(answer.json()) if answer.status == web.OK else {}


def _processes(home: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the variables of each process of a run in this home."""
    import psutil

    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except (psutil.Error, OSError):
            continue
        there = variables.get(HOME)
        if RUN in variables and there and Path(there).resolve() == home.resolve():
            yield process.pid, variables
