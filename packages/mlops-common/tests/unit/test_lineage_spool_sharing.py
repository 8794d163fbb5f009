"""One spool, and processes that do not name the same receivers."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlops_common.errors import BackendError
from mlops_common.lineage.emission.outlet import Outlet
from mlops_common.lineage.receivers.base import Event, Refused
from mlops_common.lineage.spool.folder import SpoolFolder
from mlops_common.lineage.spool.reading import FORGOTTEN, cursor_path
from mlops_common.lineage.spool.writing import SpoolWriter

RECORDS = [f"{number:03d}".encode() for number in range(20)]


class Taker:
    """Takes events, unless it is away."""

    most = 2

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[bytes] = []
        self.away = False

    def take(self, events: Sequence[Event]) -> Sequence[Refused]:
        if self.away:
            raise BackendError(f"{self.name} is away")
        self.taken += [event["record"] for event in events]
        return []

    def close(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> SpoolFolder:
    return SpoolFolder(tmp_path / "spool")


def emit(folder: SpoolFolder, records: Sequence[bytes]) -> None:
    """Put each record into a segment of its own."""
    writer = SpoolWriter(folder, 1 << 20)
    writer._segment = 1
    for record in records:
        writer.append(record)


def told(folder: SpoolFolder, taker: Taker, *peers: Taker) -> Outlet:
    """Return what tells a receiver in a process that names it and its peers."""
    names = [one.name for one in (taker, *peers)]
    return Outlet(taker, folder, lambda record: {"record": record}, peers=names)


def test_what_another_process_has_yet_to_tell_its_receiver_is_kept(
    folder: SpoolFolder,
) -> None:
    shared, other = Taker("shared"), Taker("other")
    other.away = True
    emit(folder, RECORDS)
    with pytest.raises(BackendError):
        told(folder, other, shared).tell()

    told(folder, shared).tell()  # by a process that does not name the other one
    other.away = False
    told(folder, other, shared).tell()

    assert shared.taken == other.taken == RECORDS
    assert folder.numbers() == [len(RECORDS)]


def test_a_receiver_that_nobody_names_any_more_holds_up_nothing(
    folder: SpoolFolder,
) -> None:
    shared, former = Taker("shared"), Taker("former")
    former.away = True
    emit(folder, RECORDS)
    with pytest.raises(BackendError):
        told(folder, former, shared).tell()
    cursor = cursor_path(folder, former.name)
    past = cursor.stat().st_mtime - FORGOTTEN
    os.utime(cursor, (past, past))

    told(folder, shared).tell()

    assert folder.numbers() == [len(RECORDS)]


def test_processes_that_name_one_receiver_tell_it_everything_once(
    folder: SpoolFolder,
) -> None:
    first, second, other = Taker("shared"), Taker("shared"), Taker("other")
    emit(folder, RECORDS[:10])
    told(folder, first).tell()
    emit(folder, RECORDS[10:])
    told(folder, second, other).tell()
    told(folder, first).tell()

    assert first.taken + second.taken == RECORDS


def test_a_receiver_is_told_what_any_process_of_the_home_left(
    folder: SpoolFolder,
) -> None:
    shared, late = Taker("shared"), Taker("late")
    emit(folder, RECORDS)  # by a process that names only the shared one

    told(folder, late, shared).tell()

    assert late.taken == RECORDS
