"""Lineage of processes that end, are killed, fork, or run at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlops_common.testing.emission import WAIT, emit, emitter_of, eventually, runs
from mlops_common.testing.lineage_receiver import MarquezDouble

pytestmark = pytest.mark.usefixtures("patient")
PROGRAM = Path(__file__).with_name("emitting_lineage.py")


def run(marquez: MarquezDouble, home: Path, numbers: str, end: str) -> int:
    """Run the program that emits; return what it exited with."""
    command = [sys.executable, str(PROGRAM), marquez.url, str(home), numbers, end]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.stdout == b"emitted\n", done.stderr.decode()
    return done.returncode


def test_a_process_that_is_killed_loses_nothing_that_it_emitted(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    assert run(marquez, home, "0:10", "killed") == -9

    marquez.come()
    drained = emitter_of(marquez, home).drain(WAIT)

    assert (drained.told, drained.left, drained.problems) == (10, 0, {})
    assert marquez.runs == runs(*range(10))


def test_the_next_process_tells_what_a_killed_one_left_before_its_own(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    run(marquez, home, "0:5", "killed")
    marquez.come()

    assert run(marquez, home, "5:10", "ended") == 0
    assert marquez.runs == runs(*range(10))


def test_a_short_program_tells_everything_before_it_ends(
    marquez: MarquezDouble, home: Path
) -> None:
    assert run(marquez, home, "0:3", "ended") == 0

    assert marquez.runs == runs(0, 1, 2)


def test_a_fork_tells_its_own_and_nothing_twice(
    marquez: MarquezDouble, home: Path
) -> None:
    assert run(marquez, home, "0:3", "forked") == 0

    drained = emitter_of(marquez, home).drain(WAIT)
    assert drained.left == 0
    assert [event["run"]["runId"] for event in marquez.requests] == runs(0, 1, 2, 3)


def test_processes_on_one_home_tell_everything_once(
    marquez: MarquezDouble, home: Path
) -> None:
    command = [sys.executable, str(PROGRAM), marquez.url, str(home)]
    started = [
        subprocess.Popen([*command, f"{first}:{first + 50}", "ended"])
        for first in (0, 100, 200)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]

    assert emitter_of(marquez, home).drain(WAIT).left == 0
    assert len(marquez.runs) == 150
    for first in (0, 100, 200):
        mine = runs(*range(first, first + 50))
        assert [one for one in marquez.runs if one in set(mine)] == mine


def test_while_one_process_waits_another_tells(
    marquez: MarquezDouble, home: Path
) -> None:
    command = [sys.executable, str(PROGRAM), marquez.url, str(home), "0:3", "lingering"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        lineage = emitter_of(marquez, home)
        emit(lineage, range(3, 6))
        eventually(lineage)
        lineage.close()
        other.kill()

    assert marquez.runs == runs(*range(6))
