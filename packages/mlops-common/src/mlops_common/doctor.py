"""Examines every system of the platform at once, each within its own deadline."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING

from mlops_common.errors import MlopsError
from mlops_common.health import Health
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


def probes() -> dict[str, str]:
    """Return `module:function` of each examination, those of use cases included."""
    merged = dict(PROBES)
    for case in installed().values():
        merged |= case.probes
    return merged


def examine(
    platform: "Platform",
    wanted: Mapping[str, str] | None = None,
    deadline: float = DEADLINE,
) -> Iterator[Diagnosis]:
    """Examine every system in parallel.

    Args:
        platform: Whose systems.
        wanted: `module:function` of each examination by system; all by default.
        deadline: Seconds after which a system that did not answer is down.

    Yields:
        A diagnosis for each system, in the order in which they come.
    """
    names = dict(probes() if wanted is None else wanted)
    answers: Queue[Diagnosis] = Queue()
    for system, path in names.items():
        # A daemon: one that hangs must not keep the process from ending.
        Thread(
            target=lambda s, p: answers.put(_diagnosed(platform, s, p)),
            args=(system, path),
            name=f"doctor {system}",
            daemon=True,
        ).start()
    start = time.monotonic()
    while names:
        try:
            left = max(0.0, start + deadline - time.monotonic())
            diagnosis = answers.get(timeout=left)
        except Empty:
            break
        del names[diagnosis.system]
        yield diagnosis
    for system in names:
        remedy = f"it did not answer within {deadline:g} s; see that it runs"
        yield Diagnosis(system, Health("down", "", remedies=(remedy,)), deadline)


def _diagnosed(platform: "Platform", system: str, path: str) -> Diagnosis:
    start = time.monotonic()
    try:
        health = imported(path)(platform)
    except MlopsError as error:
        health = Health("down", "", remedies=(masked(str(error)),))
    except Exception as error:  # noqa: BLE001 - one patient must not end the others
        said = masked(f"unexpected {type(error).__name__}: {error}")
        health = Health("down", "", remedies=(said,))
    return Diagnosis(system, health, round(time.monotonic() - start, 2))
