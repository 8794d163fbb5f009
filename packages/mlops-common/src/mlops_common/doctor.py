"""Examines every system of the platform at once, each within its own deadline."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from queue import Empty, Queue
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING, TypeAlias

from mlops_common.errors import MlopsError
from mlops_common.health import Health
from mlops_common.params import masked
from mlops_common.use_case import imported, installed

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

DEADLINE = 20.0  # seconds
SETTLING = 0.2  # seconds for a thread that has answered to end
THREAD = "doctor "  # begins the name of a thread that examines a system
Probe: TypeAlias = Callable[[], Health]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What became of the examination of one system.

    Attributes:
        system: Its name.
        health: How it is.
        seconds: How long that took.
    """

    system: str
    health: Health
    seconds: float


def probes(platform: "Platform") -> dict[str, Probe]:
    """Return the examination of each system, those of use cases included.

    Each imports what it needs where it runs, so that none waits for another.
    """
    every: dict[str, Callable[[Platform], Health]] = {
        "PostgreSQL": _postgres,
        "Object store": _objects,
        "MLflow": _mlflow,
        "Prefect": _prefect,
        "KServe": _kserve,
        "Lineage": _lineage,
    }
    for case in installed().values():
        every |= {name: partial(_imported, path) for name, path in case.probes.items()}
    return {system: partial(probe, platform) for system, probe in every.items()}


def examine(
    wanted: Mapping[str, Probe], deadline: float = DEADLINE
) -> Iterator[Diagnosis]:
    """Examine systems in parallel.

    Args:
        wanted: The examination of each system.
        deadline: Seconds after which a system that did not answer is down.

    Yields:
        A diagnosis for each system, in the order in which they come.
    """
    answers: Queue[Diagnosis] = Queue()
    for system, probe in wanted.items():
        # A daemon: one that hangs must not keep the process from ending.
        Thread(
            target=lambda s, p: answers.put(_diagnosed(s, p)),
            args=(system, probe),
            name=f"{THREAD}{system}",
            daemon=True,
        ).start()
    start, missing = time.monotonic(), list(wanted)
    while missing:
        try:
            left = max(0.0, start + deadline - time.monotonic())
            diagnosis = answers.get(timeout=left)
        except Empty:
            break
        missing.remove(diagnosis.system)
        yield diagnosis
    for system in missing:
        remedy = (
            f"it did not answer within {deadline:g} s; see that it runs, or give it "
            "longer by --deadline where this machine is busy"
        )
        yield Diagnosis(system, Health("down", "", remedies=(remedy,)), deadline)


def examining() -> bool:
    """Whether an examination still goes on, of a system that did not answer in time."""
    ours = [one for one in enumerate_threads() if one.name.startswith(THREAD)]
    for thread in ours:
        thread.join(SETTLING)
    return any(thread.is_alive() for thread in ours)


def _diagnosed(system: str, probe: Probe) -> Diagnosis:
    start = time.monotonic()
    try:
        health = probe()
    except MlopsError as error:
        health = Health("down", "", remedies=(masked(str(error)),))
    except Exception as error:  # noqa: BLE001 - one patient must not end the others
        said = masked(f"unexpected {type(error).__name__}: {error}")
        health = Health("down", "", remedies=(said,))
    return Diagnosis(system, health, round(time.monotonic() - start, 2))


def _imported(path: str, platform: "Platform") -> Health:
    health: Health = imported(path)(platform)
    return health


def _postgres(platform: "Platform") -> Health:
    from mlops_common.postgres import health

    return health.examine(platform.postgres)


def _objects(platform: "Platform") -> Health:
    return platform.objects.health()


def _mlflow(platform: "Platform") -> Health:
    from mlops_common.tracking import health

    database = f"database mlflow on {platform.postgres.address}"
    return health.examine(platform.settings.mlflow, database)


def _prefect(platform: "Platform") -> Health:
    from mlops_common.orchestration import health

    return health.examine(platform.settings.home)


def _kserve(platform: "Platform") -> Health:
    return platform.serving.health()


def _lineage(platform: "Platform") -> Health:
    from mlops_common.lineage import health

    return health.examine(platform.settings.lineage, platform.postgres)
