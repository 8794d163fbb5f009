"""Records that the disk did not take: in memory, as many as fit."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

LIMIT = 8 << 20  # bytes
WEIGHT = 200  # bytes of a record besides its text


class Overflow:
    """A queue in memory that several receivers are told, each at its own pace.

    Attributes:
        lost: How many records there was no room for, the oldest ones.
    """

    def __init__(self, receivers: Sequence[str]) -> None:
        self.lost = 0
        self._lock = threading.RLock()
        self._records: deque[bytes] = deque()
        self._first = 0  # number of the first record
        self._size = 0
        self._told = dict.fromkeys(receivers, 0)  # number of the next record of each
        self._busy: set[str] = set()

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: bytes) -> None:
        """Put a record at the end.

        Examples:
            >>> overflow = Overflow(["embedded"])
            >>> overflow.add(b"{}")
            >>> with overflow.next("embedded", 10) as records:
            ...     print(records)
            [b'{}']
            >>> len(overflow)
            0
        """
        with self._lock:
            self._records.append(record)
            self._size += len(record) + WEIGHT
            while self._size > LIMIT and len(self._records) > 1:
                self._drop()
                self.lost += 1

    @contextmanager
    def next(self, receiver: str, most: int) -> Iterator[list[bytes]]:
        """Yield the next records of a receiver; they are done if the block succeeds."""
        with self._lock:
            start = max(self._told[receiver], self._first)
            skipped = start - self._first
            records = list(islice(self._records, skipped, skipped + most))
            self._busy.add(receiver)
        done = 0
        try:
            yield records
            done = len(records)
        finally:
            with self._lock:
                self._busy.discard(receiver)
                self._told[receiver] = start + done
                while self._records and self._first < min(self._told.values()):
                    self._drop()

    def waiting(self, receiver: str) -> int:
        """Return how many records a receiver was not told yet."""
        with self._lock:
            return self._first + len(self._records) - self._next(receiver)

    def movable(self) -> list[bytes] | None:
        """Return all records; none where some receiver was told of some of them."""
        with self._lock:
            begun = any(self._next(name) > self._first for name in self._told)
            return None if begun or self._busy else list(self._records)

    def clear(self) -> None:
        """Forget all records: the disk took them after all."""
        with self._lock:
            while self._records:
                self._drop()

    def _next(self, receiver: str) -> int:
        return max(self._told[receiver], self._first)

    def _drop(self) -> None:
        self._size -= len(self._records.popleft()) + WEIGHT
        self._first += 1
