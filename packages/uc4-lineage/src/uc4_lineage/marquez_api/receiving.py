"""POST of events: one, or many at once, from any producer of OpenLineage."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mlops_common.lineage.store.document import LARGEST, read
from mlops_common.lineage.store.outcome import MalformedError
from uc4_lineage.marquez_api.bodies import json_body
from uc4_lineage.marquez_api.commits import GroupCommit
from uc4_lineage.marquez_api.errors import failure
from uc4_lineage.validation import Problem, problems

AT_ONCE = 256 << 10  # bytes that are checked on the way; more of them, in a thread
CREATED, UNPROCESSABLE, TOO_LARGE = 201, 422, 413


@dataclass(slots=True)
class Received:
    """Events of one request, as far as they may be stored.

    Attributes:
        total: Number of events.
        sound: Those that are as they should be, as JSON.
        places: Index of each of them in the request.
        wrong: What is wrong with the others, by their index in the request.
    """

    total: int = 0
    sound: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    wrong: dict[int, list[Problem]] = field(default_factory=dict)

    def take(self, event: bytes | dict[str, Any]) -> None:
        """Check one more event."""
        try:
            document = read(event)
        except MalformedError as error:
            found = [Problem(error.where, error.reason)]
        else:
            found = problems(document.value)
        if found:
            self.wrong[self.total] = found
        else:
            self.sound.append(document.body)
            self.places.append(self.total)
        self.total += 1


async def receive_event(request: Request) -> Response:
    """Answer a POST of an event with 201 after its commit; of several, as a batch."""
    body = await json_body(request)
    if body.lstrip()[:1] == b"[":
        return await _batch(request, body, CREATED)
    if len(body) > LARGEST:
        return _too_large(len(body))
    received = await _checked([body], len(body))
    await _store(request, received)
    if received.wrong:
        return _refused(received.wrong[0])
    return Response(status_code=CREATED)


async def receive_batch(request: Request) -> Response:
    """Answer a POST of an array of events with what became of them."""
    return await _batch(request, await json_body(request), 200)


async def _batch(request: Request, body: bytes, status: int) -> Response:
    try:
        events = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"the body is no JSON: {error}") from error
    if not isinstance(events, list):
        raise HTTPException(400, "expected an array of events")
    received = await _checked(events, len(body))
    await _store(request, received)
    if events and len(received.wrong) == len(events):
        return _refused([problem for _, problem in _by_index(received)])
    summary = orjson.dumps(_summary(received))
    return Response(summary, status, media_type="application/json")


async def _checked(events: Sequence[Any], size: int) -> Received:
    if size <= AT_ONCE:
        return _check(events)
    return await asyncio.to_thread(_check, events)


def _check(events: Iterable[Any]) -> Received:
    received = Received()
    for event in events:
        received.take(event)
    return received


async def _store(request: Request, received: Received) -> None:
    """Store what is sound; what the store refuses is wrong."""
    if not received.sound:
        return
    commits: GroupCommit = request.app.state.commits
    for refusal in await commits.add(received.sound):
        problem = Problem(refusal.where, refusal.reason)
        received.wrong[received.places[refusal.index]] = [problem]


def _refused(found: Sequence[Problem]) -> Response:
    """Answer that nothing was stored, and why."""
    told = [{"path": one.path, "message": one.message} for one in found]
    return failure(UNPROCESSABLE, "; ".join(map(str, found)), errors=told)


def _too_large(size: int) -> Response:
    return failure(
        TOO_LARGE, f"expected at most {LARGEST:,} bytes of an event, found {size:,}"
    )


def _by_index(received: Received) -> Iterable[tuple[int, Problem]]:
    """Yield each problem with a path that begins with the index of its event."""
    for index, found in sorted(received.wrong.items()):
        for one in found:
            yield index, Problem(f"$[{index}]{one.path[1:]}", one.message)


def _summary(received: Received) -> dict[str, Any]:
    """Return what OpenLineage's specification wants to be told of a batch."""
    failed = len(received.wrong)
    return {
        "status": "partial_success" if failed else "success",
        "summary": {
            "received": received.total,
            "successful": received.total - failed,
            "failed": failed,
            "retriable": 0,
            "non_retriable": failed,
        },
        "failed_events": [
            {"index": index, "reason": str(problem), "retriable": False}
            for index, problem in _by_index(received)
        ],
    }
