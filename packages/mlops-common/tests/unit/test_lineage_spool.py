"""The queue on disk: what it gives back, and what crashes leave of it."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_common.lineage.spool.folder import Position, SpoolFolder
from mlops_common.lineage.spool.reading import SpoolReader, reclaim, waiting
from mlops_common.lineage.spool.record import framed
from mlops_common.lineage.spool.writing import SpoolWriter, lost

LIMIT = 64 << 20
RECORD = st.binary(max_size=200).map(lambda data: data.replace(b"\n", b" "))


@pytest.fixture
def folder(tmp_path: Path) -> SpoolFolder:
    return SpoolFolder(tmp_path / "spool")


def everything(folder: SpoolFolder, most: int = 7, name: str = "one") -> list[bytes]:
    """Read to the end, and keep how far that is."""
    reader = SpoolReader(folder, name)
    found: list[bytes] = []
    while (batch := reader.batch(most)).records or batch.broken:
        found += batch.records
        reader.keep(batch.end)
    return found


def size(folder: SpoolFolder) -> int:
    return sum(file.stat().st_size for file in folder.path.glob("*.log"))


@settings(max_examples=40)
@given(
    st.lists(st.lists(RECORD, min_size=1, max_size=4), max_size=12),
    st.integers(1, 400),
    st.integers(1, 5),
)
def test_records_come_back_in_their_order_whatever_the_segments(
    tmp_path_factory: pytest.TempPathFactory,
    appended: list[list[bytes]],
    segment: int,
    most: int,
) -> None:
    folder = SpoolFolder(tmp_path_factory.mktemp("spool"))
    writer = SpoolWriter(folder, LIMIT)
    writer._segment = segment
    for records in appended:
        writer.append(*records)

    assert everything(folder, most) == [one for some in appended for one in some]


@settings(max_examples=40)
@given(st.lists(RECORD, min_size=2, max_size=5), st.data())
def test_a_crash_at_any_byte_costs_the_record_that_was_being_written_alone(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], data: st.DataObject
) -> None:
    folder = SpoolFolder(tmp_path_factory.mktemp("spool"))
    writer = SpoolWriter(folder, LIMIT)
    writer.append(*records[:-1])
    line = framed(records[-1])
    kept = data.draw(st.integers(0, len(line) - 1))
    with folder.segment(1).open("ab") as stream:
        stream.write(line[:kept])

    writer.append(b"after")

    # Without its last byte, which ends the line, a record is whole all the same.
    whole = [records[-1]] if kept == len(line) - 1 else []
    assert everything(folder) == [*records[:-1], *whole, b"after"]


def test_what_is_cut_short_at_the_end_of_a_full_segment_is_skipped(
    folder: SpoolFolder,
) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer.append(b"one")
    with folder.segment(1).open("ab") as stream:
        stream.write(b"0123 half a rec")
    writer._segment = 1
    writer.append(b"two")

    assert everything(folder) == [b"one", b"two"]


def test_a_line_that_is_still_being_written_is_waited_for(folder: SpoolFolder) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer.append(b"one")
    line = framed(b"two")
    with folder.segment(1).open("ab", buffering=0) as stream:
        stream.write(line[:5])
        assert everything(folder) == [b"one"]
        stream.write(line[5:])

    assert everything(folder) == [b"two"]


def test_spoilt_bytes_cost_the_records_that_they_are_in(folder: SpoolFolder) -> None:
    SpoolWriter(folder, LIMIT).append(b"one", b"two", b"three")
    content = folder.segment(1).read_bytes()
    folder.segment(1).write_bytes(content.replace(b"two", b"tXo"))

    assert everything(folder) == [b"one", b"three"]


def test_a_reader_takes_up_where_the_last_one_kept(folder: SpoolFolder) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer.append(b"one", b"two")
    assert everything(folder) == [b"one", b"two"]
    writer.append(b"three")

    assert everything(folder) == [b"three"]
    assert everything(folder, name="other") == [b"one", b"two", b"three"]


@pytest.mark.parametrize("cursor", [b"", b"rubbish", b"0000000009 0 12345678\n", b"\0"])
def test_a_spoilt_note_of_how_far_it_is_starts_from_the_beginning(
    folder: SpoolFolder, cursor: bytes
) -> None:
    SpoolWriter(folder, LIMIT).append(b"one")
    everything(folder)
    (folder.path / "one.at").write_bytes(cursor)

    assert everything(folder) == [b"one"]


def test_what_all_were_told_is_deleted_but_for_the_last_segment(
    folder: SpoolFolder,
) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer._segment = 1
    for record in (b"one", b"two", b"three"):
        writer.append(record)
    everything(folder, name="fast")

    reclaim(folder, ["fast", "slow"])
    assert folder.numbers() == [1, 2, 3]
    everything(folder, name="slow")
    reclaim(folder, ["fast", "slow"])
    assert folder.numbers() == [3]


def test_the_oldest_is_dropped_where_there_is_no_room_and_is_counted(
    folder: SpoolFolder,
) -> None:
    limit = 4_000
    writer = SpoolWriter(folder, limit)
    told = [b"%06d" % number for number in range(2_000)]
    for record in told:
        writer.append(record)

    assert size(folder) <= limit
    found = everything(folder)
    assert found == told[-len(found) :]
    assert lost(folder) == len(told) - len(found)


def test_how_much_is_left_to_tell_is_known(folder: SpoolFolder) -> None:
    writer = SpoolWriter(folder, LIMIT)
    assert waiting(folder, "one") == 0
    writer._segment = 1
    writer.append(b"one")
    writer.append(b"two")

    assert waiting(folder, "one") == 2 * len(framed(b"one"))
    everything(folder)
    assert waiting(folder, "one") == 0


def test_a_spool_that_was_deleted_starts_anew(folder: SpoolFolder) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer._segment = 1
    for record in (b"one", b"two"):
        writer.append(record)
    reader = SpoolReader(folder, "one")
    while (batch := reader.batch(1)).records:
        reader.keep(batch.end)
    for file in folder.path.iterdir():
        file.unlink()
    folder.path.rmdir()

    assert writer.append(b"three") == Position(1, len(framed(b"three")))
    assert reader.batch(9).records == (b"three",)


def test_a_write_that_fails_leaves_nothing_of_itself(
    folder: SpoolFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer.append(b"one")
    write = os.write

    def full(file: int, data: bytes) -> int:
        if data.startswith(framed(b"two")[:3]):
            return write(file, data[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            writer.append(b"two")

    assert folder.segment(1).read_bytes() == framed(b"one")


def test_threads_write_whole_records(folder: SpoolFolder) -> None:
    writer = SpoolWriter(folder, LIMIT)
    writer._segment = 1_000

    def write(thread: int) -> None:
        for number in range(50):
            writer.append(b"%d-%d" % (thread, number))

    threads = [threading.Thread(target=write, args=(one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = everything(folder)
    assert len(found) == 200
    for one in range(4):
        mine = [record for record in found if record.startswith(b"%d-" % one)]
        assert mine == [b"%d-%d" % (one, number) for number in range(50)]


def test_what_is_put_at_the_end_is_counted_before_it_is_put(
    folder: SpoolFolder,
) -> None:
    writer = SpoolWriter(folder, 1 << 20)
    largest = 0
    for _ in range(30):
        writer.append(b"x" * 400_000)
        writer.append(b"y" * 100)
        largest = max(largest, size(folder))

    assert largest <= 1 << 20
    assert lost(folder) > 0
