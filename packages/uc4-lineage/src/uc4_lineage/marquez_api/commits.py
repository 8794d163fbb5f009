"""Events of many requests in one transaction, so that a commit serves them all."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from mlops_common.lineage.store.intake import Incoming
from mlops_common.lineage.store.outcome import Refusal
from mlops_common.lineage.store.store import LineageStore

Read: TypeAlias = Callable[[], Iterable[Incoming]]

MOST = 1_000  # events of one transaction, unless a single request brings more
LINGER = 0.005  # seconds for the clients of a transaction to come again


@dataclass(slots=True)
class Waiting:
    """Events of a request that waits for their commit.

    Attributes:
        read: Yields them. It is called in the thread that stores them, so that nothing
            is kept but their JSON; and again if that fails.
        size: How many they are at most.
        refusals: Set when they are stored: the events that were not, by their index.
    """

    read: Read
    size: int
    refusals: "asyncio.Future[list[Refusal]]"


class GroupCommit:
    """Stores the events that came while the transaction before was on its way.

    Alone, an event is stored at once; the more requests come at a time, the more share
    a transaction. Each is answered after its commit. Those that were answered together
    are waited for, a moment, so that the next transaction serves as many.

    Args:
        store: Where the events go.
    """

    def __init__(self, store: LineageStore) -> None:
        self._store = store
        self._queue: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "lineage-commit")
        self._task: asyncio.Task[None] | None = None
        self._expected = 0
        self._complete = asyncio.Event()

    async def add(self, read: Read, size: int = 1) -> list[Refusal]:
        """Store events; return those that were refused.

        Args:
            read: Yields the events, perhaps in another thread, perhaps twice.
            size: How many they are at most.

        Raises:
            BackendError: PostgreSQL failed; none of them was stored.
        """
        future: asyncio.Future[list[Refusal]]
        future = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(read, size, future))
        if len(self._queue) >= self._expected:
            self._complete.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Wait until all is stored."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _run(self) -> None:
        while self._queue:
            group = self._group()
            await self._commit(group)
            await self._gather(min(len(group) + len(self._queue), MOST))

    async def _gather(self, expected: int) -> None:
        """Wait until as many requests are there as may come, but not for long."""
        self._expected = expected
        self._complete.clear()
        if len(self._queue) < expected:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._complete.wait(), LINGER)

    def _group(self) -> list[Waiting]:
        """Take the next requests from the queue."""
        group = [self._queue.popleft()]
        size = group[0].size
        while self._queue and size + self._queue[0].size <= MOST:
            group.append(self._queue.popleft())
            size += group[-1].size
        return group

    async def _commit(self, group: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        try:
            shares = await loop.run_in_executor(self._thread, self._stored, group)
        except Exception as error:  # noqa: BLE001 - each request tells its own
            await self._failed(group, error)
            return
        for waiting, refused in zip(group, shares, strict=True):
            if not waiting.refusals.done():
                waiting.refusals.set_result(refused)

    def _stored(self, group: list[Waiting]) -> list[list[Refusal]]:
        """Store the events of some requests; return what was refused of each."""
        ends: list[int] = []

        def events() -> Iterator[Incoming]:
            number = 0
            for waiting in group:
                for event in waiting.read():
                    number += 1
                    yield event
                ends.append(number)

        outcome = self._store.ingest(events())
        shares: list[list[Refusal]] = [[] for _ in group]
        for refusal in outcome.refused:
            share = bisect_right(ends, refusal.index)
            start = ends[share - 1] if share else 0
            index = refusal.index - start
            shares[share].append(Refusal(index, refusal.where, refusal.reason))
        return shares

    async def _failed(self, group: list[Waiting], error: Exception) -> None:
        """Let nobody pay for the events of another."""
        if len(group) > 1:
            for waiting in group:
                await self._commit([waiting])
        elif not group[0].refusals.done():
            group[0].refusals.set_exception(error)
