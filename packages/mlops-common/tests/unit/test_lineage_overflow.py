from contextlib import suppress

from mlops_common.lineage.emission import overflow
from mlops_common.lineage.emission.overflow import Overflow


def records(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def told(queue: Overflow, receiver: str, most: int) -> list[bytes]:
    with queue.next(receiver, most) as found:
        return found


def test_each_receiver_is_told_everything_at_its_own_pace() -> None:
    queue = Overflow(["fast", "slow"])
    for record in records(5):
        queue.add(record)

    assert told(queue, "fast", 9) == records(5)
    assert told(queue, "slow", 2) == records(5)[:2]
    assert (queue.waiting("fast"), queue.waiting("slow")) == (0, 3)
    assert told(queue, "slow", 9) == records(5)[2:]
    assert len(queue) == 0


def test_what_could_not_be_told_is_told_again() -> None:
    queue = Overflow(["one"])
    queue.add(b"a")
    with suppress(ZeroDivisionError), queue.next("one", 1):
        _ = 1 / 0

    assert told(queue, "one", 1) == [b"a"]


def test_only_what_nobody_was_told_may_be_moved() -> None:
    queue = Overflow(["fast", "slow"])
    for record in records(3):
        queue.add(record)
    assert queue.movable() == records(3)

    with queue.next("fast", 1):
        assert queue.movable() is None
    assert queue.movable() is None
    told(queue, "slow", 1)
    assert queue.movable() == records(3)[1:]

    queue.clear()
    assert told(queue, "fast", 9) == []


def test_the_oldest_are_dropped_where_memory_ends() -> None:
    queue = Overflow(["one"])
    record = b"x" * (overflow.LIMIT // 4)
    for number in range(10):
        queue.add(b"%d" % number + record)

    kept = told(queue, "one", 99)
    assert [one[:1] for one in kept] == [b"7", b"8", b"9"]
    assert queue.lost == 7
