"""A flush returns once receivers were told all that lies on disk, whoever wrote it."""

import json
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import pytest

from mlops_common.errors import BackendError
from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.lineage.emission.emitters import SPOOL
from mlops_common.lineage.receivers.base import Receiver
from mlops_common.testing.emission import WAIT, emit, emitter_of, runs
from mlops_common.testing.lineage import an_observation
from mlops_common.testing.lineage_receiver import MarquezDouble

pytestmark = pytest.mark.usefixtures("patient")
PROGRAM = Path(__file__).with_name("emitting_lineage.py")


def killed(marquez: MarquezDouble, home: Path, numbers: str) -> None:
    """Let another process write some events, and be killed."""
    command = [sys.executable, str(PROGRAM), marquez.url, str(home), numbers, "killed"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == -9, done.stderr.decode()


def test_what_another_process_wrote_is_told_though_nothing_was_emitted_here(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    killed(marquez, home, "0:10")
    marquez.come()
    lineage = emitter_of(marquez, home)

    assert lineage.flush(WAIT)
    assert marquez.runs == runs(*range(10))
    lineage.close()


def test_what_another_process_wrote_after_the_last_event_of_this_one_is_told(
    marquez: MarquezDouble, home: Path
) -> None:
    lineage = emitter_of(marquez, home)
    emit(lineage, range(5))
    assert lineage.flush(WAIT)
    # Whatever that process tells before it is killed.
    marquez.status = HTTPStatus.SERVICE_UNAVAILABLE
    killed(marquez, home, "5:15")
    marquez.status = None

    while not lineage.flush(WAIT):  # the receiver was away just now
        time.sleep(0.05)
    assert marquez.runs == runs(*range(15))
    lineage.close()


def test_what_was_left_when_the_threads_ended_is_told(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    lineage = emitter_of(marquez, home)
    emit(lineage, range(5))
    lineage.close()
    marquez.come()

    assert lineage.flush(WAIT)
    assert marquez.runs == runs(*range(5))
    lineage.close()


def test_every_segment_that_there_is_is_told(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    writing = emitter_of(marquez, home)
    long = "x" * 60_000
    for number in range(40):  # more than two segments hold
        seen = an_observation(number).model_copy(update={"documentation": long})
        writing.emit(seen)
    writing.close()
    assert len(writing.folder.numbers()) > 2
    marquez.come()

    assert writing.flush(WAIT)
    assert marquez.runs == runs(*range(40))
    writing.close()


def test_where_no_receiver_can_be_made_nothing_counts_as_told(home: Path) -> None:
    def absent() -> list[Receiver]:
        raise BackendError("the settings name a store that cannot be made")

    lineage = Emitter(home / SPOOL, 1 << 20, absent, json.loads)
    emit(lineage, range(3))

    assert not lineage.flush(WAIT)
    lineage.close()


def test_where_nothing_was_ever_emitted_nothing_is_waited_for_or_made(
    marquez: MarquezDouble, home: Path
) -> None:
    lineage = emitter_of(marquez, home)

    assert lineage.flush(WAIT)
    assert not home.exists()
