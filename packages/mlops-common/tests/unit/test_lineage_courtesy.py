import os
import threading
import time
from collections.abc import Callable

import pytest

from mlops_common.lineage import courtesy as module
from mlops_common.lineage.courtesy import Courtesy, courteous, courtesy
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.naming import stored
from mlops_common.lineage.recording import reads, recording
from mlops_common.orchestration.lineage.told_run import guarded

LONG = 60.0  # seconds


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Courtesy:
    """Return a courtesy that does not lose patience."""
    monkeypatch.setattr(module, "MOMENT", LONG)
    monkeypatch.setattr(module, "_courtesy", Courtesy())
    return courtesy()


def started(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_who_tells_steps_aside_until_all_have_spoken(patient: Courtesy) -> None:
    with patient.speaking():
        with patient.speaking():
            teller = started(patient.step_aside)
        teller.join(0.05)
        assert teller.is_alive()
    teller.join(LONG)
    assert not teller.is_alive()


def test_nobody_steps_aside_for_longer_than_a_moment() -> None:
    polite = Courtesy()
    with polite.speaking():
        time.sleep(module.MOMENT)
        teller = started(polite.step_aside)
        teller.join(LONG)
        assert not teller.is_alive()


def test_nobody_steps_aside_while_somebody_waits_for_what_is_told(
    patient: Courtesy,
) -> None:
    with patient.speaking(), patient.hurrying():
        teller = started(patient.step_aside)
        teller.join(LONG)
        assert not teller.is_alive()


@pytest.mark.usefixtures("patient")
def test_who_says_what_a_run_reads_or_tells_a_run_is_let_finish() -> None:
    told: list[bool] = []

    def say() -> Dataset:
        teller = started(lambda: list(courteous([1])))
        teller.join(0.05)
        told.append(not teller.is_alive())
        return Dataset(name=stored("/data/orders.csv"))

    with recording():
        reads(say)
    guarded(say)

    assert told == [False, False]


def test_a_fork_waits_for_nobody_who_spoke_in_its_parent(patient: Courtesy) -> None:
    with patient.speaking():
        child = os.fork()
        if child == 0:
            courtesy().step_aside()
            with courtesy().speaking():
                os._exit(0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
