"""Events of many requests in one transaction, so that a commit serves them all."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from mlops_common.lineage.store.outcome import Refusal
from mlops_common.lineage.store.store import LineageStore

MOST = 1_000  # events of one transaction, unless a single request brings more
LINGER = 0.005  # seconds for the clients of a transaction to come again


@dataclass(slots=True)
class Waiting:
    """Events of a request that waits for their commit.

    Attributes:
        events: As JSON.
        refusals: Set when they are stored: the events that were not, by their index.
    """

    events: Sequence[bytes]
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

    async def add(self, events: Sequence[bytes]) -> list[Refusal]:
        """Store events; return those that were refused.

        Raises:
            BackendError: PostgreSQL failed; none of them was stored.
        """
        future: asyncio.Future[list[Refusal]]
        future = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(events, future))
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
        size = len(group[0].events)
        while self._queue and size + len(self._queue[0].events) <= MOST:
            group.append(self._queue.popleft())
            size += len(group[-1].events)
        return group

    async def _commit(self, group: list[Waiting]) -> None:
        events = [event for waiting in group for event in waiting.events]
        loop = asyncio.get_running_loop()
        try:
            outcome = await loop.run_in_executor(
                self._thread, self._store.ingest, events
            )
        except Exception as error:  # noqa: BLE001 - each request tells its own
            await self._failed(group, error)
            return
        refused = {refusal.index: refusal for refusal in outcome.refused}
        start = 0
        for waiting in group:
            own = range(start, start + len(waiting.events))
            start = own.stop
            wrong = [refused[index] for index in own if index in refused]
            _answer(waiting, [_moved(refusal, own.start) for refusal in wrong])

    async def _failed(self, group: list[Waiting], error: Exception) -> None:
        """Let nobody pay for the events of another."""
        if len(group) > 1:
            for waiting in group:
                await self._commit([waiting])
        elif not group[0].refusals.done():
            group[0].refusals.set_exception(error)


def _moved(refusal: Refusal, start: int) -> Refusal:
    return Refusal(refusal.index - start, refusal.where, refusal.reason)


def _answer(waiting: Waiting, refusals: list[Refusal]) -> None:
    if not waiting.refusals.done():
        waiting.refusals.set_result(refusals)
