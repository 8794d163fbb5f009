"""What is told, kept or set aside where a receiver, or a record, breaks."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlops_common.errors import BackendError, ContractError
from mlops_common.lineage.emission.outlet import Outlet
from mlops_common.lineage.emission.teller import Teller
from mlops_common.lineage.receivers.base import Event, Refused
from mlops_common.lineage.receivers.embedded import EmbeddedReceiver
from mlops_common.lineage.spool.folder import SpoolFolder
from mlops_common.lineage.spool.reading import waiting
from mlops_common.lineage.spool.writing import SpoolWriter
from mlops_common.lineage.store import LineageStore

PROGRAM = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_lineage_outlet import Taker, outlet
from mlops_common.lineage.spool.folder import SpoolFolder

def made(record):
    if record == b'"poison"':
        os._exit(9)
    return {"record": record.decode()}

taker = Taker()
outlet(SpoolFolder(Path(sys.argv[2])), taker, made).tell()
print(",".join(taker.taken))
"""


class Taker:
    """Takes events, unless it is told to break."""

    name = "taker"
    most = 200

    def __init__(self, breaks: Callable[[str], None] = lambda _: None) -> None:
        self.taken: list[str] = []
        self.breaks = breaks

    def take(self, events: Sequence[Event]) -> Sequence[Refused]:
        names = [json.loads(event["record"]) for event in events]
        for name in names:
            self.breaks(name)
        self.taken += [name for name in names if name not in self.taken]
        return []

    def close(self) -> None:
        pass


def outlet(
    folder: SpoolFolder,
    taker: Taker,
    made: Callable[[bytes], Event] = lambda record: {"record": record.decode()},
) -> Outlet:
    return Outlet(taker, folder, made, peers=[taker.name])


def spooled(path: Path, *names: str) -> SpoolFolder:
    folder = SpoolFolder(path)
    SpoolWriter(folder, 1 << 20).append(*(json.dumps(name).encode() for name in names))
    return folder


def set_aside(folder: SpoolFolder) -> list[str]:
    path = folder.path / "refused.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(json.loads(line)["record"]) for line in lines]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        MemoryError(),
        ImportError("psycopg"),
        RuntimeError("can't start new thread"),
        BackendError("away"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_passes_refuses_nothing(tmp_path: Path, error: Exception) -> None:
    def breaks(_: str) -> None:
        raise error

    folder = spooled(tmp_path, "a", "b", "c", "d", "e")
    taker = Taker(breaks)
    told = outlet(folder, taker)
    for _ in range(5):
        with pytest.raises(BackendError):
            told.tell()
    taker.breaks = lambda _: None
    told.tell()

    assert taker.taken == ["a", "b", "c", "d", "e"]
    assert set_aside(folder) == []


def test_what_breaks_a_contract_is_set_aside_alone(tmp_path: Path) -> None:
    def breaks(name: str) -> None:
        if name == "b":
            raise ContractError("no such event")

    folder = spooled(tmp_path, "a", "b", "c")
    taker = Taker(breaks)
    outlet(folder, taker).tell()

    assert (taker.taken, set_aside(folder)) == (["a", "c"], ["b"])


def test_what_fails_again_and_again_while_others_are_taken_is_set_aside(
    tmp_path: Path,
) -> None:
    def breaks(name: str) -> None:
        if name == "b":
            raise RuntimeError("always")

    folder = spooled(tmp_path, "a", "b", "c")
    taker = Taker(breaks)
    told = outlet(folder, taker)
    for _ in range(2):
        with pytest.raises(BackendError):
            told.tell()
        assert set_aside(folder) == []
    told.tell()

    assert (taker.taken, set_aside(folder)) == (["a", "c"], ["b"])


def test_a_record_that_ended_two_programs_is_set_aside_and_ends_no_third(
    tmp_path: Path,
) -> None:
    folder = spooled(tmp_path / "spool", "a", "poison", "b")
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", PROGRAM, here, str(folder.path)]
    ends = [
        subprocess.run(command, capture_output=True, text=True, check=False)
        for _ in range(4)
    ]

    assert [end.returncode for end in ends] == [9, 9, 0, 0], ends[-1].stderr
    assert ends[2].stdout == "a,b\n"
    assert set_aside(folder) == ["poison"]
    assert waiting(folder, "taker") == 0


def test_a_program_that_ends_meanwhile_by_itself_blames_no_record(
    tmp_path: Path,
) -> None:
    folder = spooled(tmp_path, "a")
    for _ in range(3):
        told = outlet(folder, Taker())
        told._suspects.resume()
        with told._suspects.watching() as look:
            look(b'"a"')
            told.abandon()
            left = (tmp_path / "taker.suspect").read_bytes()
        (tmp_path / "taker.suspect").write_bytes(left)  # as if it had ended here
    taker = Taker()
    outlet(folder, taker).tell()

    assert taker.taken == ["a"]


def test_where_nothing_waits_the_spool_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spooled(tmp_path, "a")
    told = outlet(folder, Taker())
    assert told.tell() == 1

    def read(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(told.reader, "batch", read)
    assert told.tell() == 0
    spooled(tmp_path, "b")
    with pytest.raises(AssertionError, match="it was read"):
        told.tell()


def test_a_store_without_room_is_away() -> None:
    def full() -> LineageStore:
        raise OSError(28, "No space left on device")

    with pytest.raises(BackendError, match="No space left on device"):
        EmbeddedReceiver(full).take([{}])


def test_why_a_receiver_is_away_is_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_: str) -> None:
        raise BackendError("the server did not start; see its log:\n  FATAL: no disk")

    teller = Teller(outlet(spooled(tmp_path, "a"), Taker(breaks)))
    while not teller.away:
        time.sleep(0.01)
    teller.close(timeout=60)

    assert [record.getMessage() for record in caplog.records] == [
        "lineage is kept on disk and told later: the server did not start; see its "
        "log: FATAL: no disk"
    ]
