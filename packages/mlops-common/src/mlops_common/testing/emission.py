"""Lineage emitted to a double of Marquez."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlops_common.bootstrap import Platform
from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.sections import LineageSettings
from mlops_common.settings import Settings
from mlops_common.testing.lineage import a_run, an_observation
from mlops_common.testing.lineage_receiver import MarquezDouble

WAIT = 30.0  # seconds; on a busy machine
PAUSE = 0.05


def emitter_of(marquez: MarquezDouble, home: Path, **chosen: Any) -> Emitter:
    """Return what tells `marquez` alone; `chosen` are settings of lineage."""
    settings = LineageSettings(
        **{"url": marquez.url, "embedded": False, "timeout": 2} | chosen
    )
    found = Platform(Settings(home=home, lineage=settings)).lineage
    assert found is not None
    return found


def emit(lineage: Emitter, numbers: Iterable[int]) -> None:
    """Emit the ends of some runs."""
    for number in numbers:
        lineage.emit(an_observation(number))


def runs(*numbers: int) -> list[str]:
    """Return the ids of runs."""
    return [a_run(number) for number in numbers]


def eventually(lineage: Emitter) -> None:
    """Wait until all was told, however often the receiver seemed away meanwhile."""
    for _ in range(int(WAIT / PAUSE)):
        if lineage.flush(WAIT):
            return
        time.sleep(PAUSE)
    raise AssertionError("not all was told")
