"""Requests that share a transaction."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from mlops_common.errors import BackendError
from mlops_common.lineage.store import LineageStore
from uc4_lineage.marquez_api.commits import GroupCommit
from uc4_lineage.testing.events import run_event

Events = list[dict[str, Any]]


def request(*events: dict[str, Any]) -> Callable[[], Events]:
    return lambda: list(events)


def told(store: LineageStore, requests: Iterable[Callable[[], Any]]) -> list[Any]:
    """Return what each of some requests of one time is told."""

    async def send() -> list[Any]:
        commits = GroupCommit(store)
        answers = [commits.add(request) for request in requests]
        found = await asyncio.gather(*answers, return_exceptions=True)
        await commits.close()
        return found

    return asyncio.run(send())


def jobs(store: LineageStore) -> list[str]:
    """Return the jobs of the stored events."""
    with store.connect() as connection:
        found = connection.execute("SELECT job_name FROM lineage.events ORDER BY 1")
        return [name for (name,) in found]


def test_requests_of_one_time_share_a_transaction(store: LineageStore) -> None:
    requests = [request(run_event(f"job_{i}")) for i in range(50)]

    assert told(store, requests) == [[]] * 50
    with store.connect() as connection:
        found = connection.execute(
            "SELECT count(DISTINCT xmin::text), count(*) FROM lineage.events"
        )
        assert found.fetchall() == [(1, 50)]


def test_each_request_is_told_of_its_own_events(store: LineageStore) -> None:
    wrong = run_event("b") | {"job": {}}
    requests: list[Events] = [
        [wrong],
        [run_event("a"), run_event("b")],
        [],
        [run_event("c"), wrong, wrong],
        [wrong, run_event("a")],
    ]

    found = told(store, [request(*events) for events in requests])

    places = [[(one.index, one.where) for one in refused] for refused in found]
    there = "$.job.namespace"
    assert places == [[(0, there)], [], [], [(1, there), (2, there)], [(0, there)]]
    assert jobs(store) == ["a", "b", "c"]


def test_nothing_is_stored_of_a_request_that_fails_while_it_is_read(
    store: LineageStore,
) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield run_event("half")
        raise KeyError("mine")

    found = told(
        store, [request(run_event("before")), broken, request(run_event("after"))]
    )

    assert [found[0], found[2]] == [[], []]
    assert isinstance(found[1], KeyError)
    assert jobs(store) == ["after", "before"]


def test_each_request_is_told_that_the_store_failed(store: LineageStore) -> None:
    with store.connect() as connection:
        connection.execute("ALTER TABLE lineage.events RENAME TO elsewhere")

    found = told(store, [request(run_event(f"job_{i}")) for i in range(3)])

    for one in found:
        with pytest.raises(BackendError, match="nothing of the batch was stored"):
            raise one
