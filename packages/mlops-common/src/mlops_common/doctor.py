"""Examines every system of the platform at once, each within its own deadline."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING

from mlops_common.errors import MlopsError
from mlops_common.health import Examine, Health
from mlops_common.params import masked
from mlops_common.use_case import imported, installed

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

DEADLINE = 20.0  # seconds
PROBES = {
    "PostgreSQL": "mlops_common.postgres.health:examine",
    "Object store": "mlops_common.objects.health:examine",
    "MLflow": "mlops_common.tracking.health:examine",
    "Prefect": "mlops_common.orchestration_health:examine",
    "KServe": "mlops_common.serving.health:examine",
}


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


def probes() -> dict[str, Examine]:
    """Return the examination of each system, those of use cases included.

    Each is imported where it runs, so that none waits for the imports of another.
    """
    merged = dict(PROBES)
    for case in installed().values():
        merged |= case.probes
    return {system: _lazily(path) for system, path in merged.items()}


def examine(
    platform: "Platform",
    wanted: Mapping[str, Examine],
    deadline: float = DEADLINE,
) -> Iterator[Diagnosis]:
    """Examine every system in parallel.

    Args:
        platform: Whose systems.
        wanted: The examination of each system.
        deadline: Seconds after which a system that did not answer is down.

    Yields:
        A diagnosis for each system, in the order in which they come.
    """
    answers: Queue[Diagnosis] = Queue()
    for system, probe in wanted.items():
        # A daemon: one that hangs must not keep the process from ending.
        Thread(
            target=lambda s, p: answers.put(_diagnosed(platform, s, p)),
            args=(system, probe),
            name=f"doctor {system}",
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
        remedy = f"it did not answer within {deadline:g} s; see that it runs"
        yield Diagnosis(system, Health("down", "", remedies=(remedy,)), deadline)


def _lazily(path: str) -> Examine:
    def probe(platform: "Platform") -> Health:
        health: Health = imported(path)(platform)
        return health

    return probe


def _diagnosed(platform: "Platform", system: str, probe: Examine) -> Diagnosis:
    start = time.monotonic()
    try:
        health = probe(platform)
    except MlopsError as error:
        health = Health("down", "", remedies=(masked(str(error)),))
    except Exception as error:  # noqa: BLE001 - one patient must not end the others
        said = masked(f"unexpected {type(error).__name__}: {error}")
        health = Health("down", "", remedies=(said,))
    return Diagnosis(system, health, round(time.monotonic() - start, 2))
