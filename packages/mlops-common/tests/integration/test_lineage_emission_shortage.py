"""Lineage that finds no room on disk, no folder, or no thread."""

import logging
import os
import shutil
import threading
from pathlib import Path

import pytest

from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.testing.emission import WAIT, emit, emitter_of, eventually, runs
from mlops_common.testing.lineage import an_observation
from mlops_common.testing.lineage_receiver import MarquezDouble
from mlops_common.testing.postgres import small_disk

pytestmark = pytest.mark.usefixtures("patient")


def test_a_folder_that_cannot_be_written_keeps_lineage_in_memory(
    marquez: MarquezDouble, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.write_text("a file where a folder should be", "utf-8")
    lineage = emitter_of(marquez, home)
    with caplog.at_level(logging.WARNING):
        emit(lineage, range(5))

    eventually(lineage)
    lineage.close()
    assert marquez.runs == runs(*range(5))
    assert caplog.text.count("kept in memory") == 1


def test_a_disk_that_is_full_keeps_lineage_in_memory_until_it_is_not(
    marquez: MarquezDouble, tmp_path: Path
) -> None:
    home = tmp_path / "small"
    home.mkdir()
    with small_disk(home, 1):
        lineage = emitter_of(marquez, home)
        emit(lineage, range(2))
        eventually(lineage)
        filler = home / "filler"
        with filler.open("wb") as stream:
            free = os.statvfs(home).f_bavail * os.statvfs(home).f_frsize
            os.posix_fallocate(stream.fileno(), 0, free)
        marquez.go()
        emit(lineage, range(2, 60))
        assert not lineage.flush(WAIT)
        filler.unlink()
        emit(lineage, range(60, 62))
        lineage.close()
        marquez.come()

        assert emitter_of(marquez, home).drain(WAIT).left == 0
    assert marquez.runs == runs(*range(62))


def test_what_does_not_fit_on_disk_is_counted_as_lost(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    lineage = emitter_of(marquez, home, spool_mb=1)
    long = "x" * 60_000
    for number in range(40):
        seen = an_observation(number).model_copy(update={"documentation": long})
        lineage.emit(seen)
    lineage.close()

    marquez.come()
    drained = emitter_of(marquez, home, spool_mb=1).drain(WAIT)
    assert drained.lost > 0
    assert drained.told + drained.lost == 40
    assert marquez.runs == runs(*range(drained.lost, 40))


def test_what_is_emitted_where_no_thread_starts_is_written_down_and_told_later(
    marquez: MarquezDouble,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lineage = emitter_of(marquez, home, timeout=7)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        emit(lineage, range(3))
        assert not lineage.flush(WAIT)
    assert caplog.text.count("told later") == 1

    emit(lineage, range(3, 5))
    eventually(lineage)
    lineage.close()
    assert marquez.runs == runs(*range(5))


def test_nothing_is_waited_for_where_the_home_is_deleted(
    lineage: Emitter, marquez: MarquezDouble, home: Path
) -> None:
    emit(lineage, range(10, 30))
    eventually(lineage)
    marquez.go()
    emit(lineage, range(3))
    shutil.rmtree(home)

    assert lineage.flush(WAIT)
    emit(lineage, range(3, 5))
    marquez.come()
    eventually(lineage)
    assert marquez.runs[-2:] == runs(3, 4)
