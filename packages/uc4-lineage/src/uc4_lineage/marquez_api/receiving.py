"""POST of events: one, or many at once, from any producer of OpenLineage."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mlops_common.errors import BackendError
from mlops_common.lineage.store.document import LARGEST, Document, read
from mlops_common.lineage.store.intake import Intake
from mlops_common.lineage.store.outcome import MalformedError, Refusal
from uc4_lineage.decoding import elements
from uc4_lineage.marquez_api.bodies import json_body
from uc4_lineage.marquez_api.commits import GroupCommit
from uc4_lineage.marquez_api.errors import failure
from uc4_lineage.validation import Problem, problems

AT_ONCE = 256 << 10  # bytes that are checked on the way; more of them, in a thread
TOLD = 100  # problems of an answer; of the others, only the number
LONGEST = 1_000  # characters of one of them
CREATED, UNPROCESSABLE, TOO_LARGE = 201, 422, 413
T = TypeVar("T")


@dataclass(slots=True)
class Received:
    """Events of one request, as far as they may be stored.

    Attributes:
        total: Number of events.
        failed: Number of those that are not as they should be.
        sound: The others, as JSON.
        places: Index of each of them in the request.
        wrong: What is wrong with the first that failed, by their index in the request.
    """

    total: int = 0
    failed: int = 0
    sound: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    wrong: dict[int, list[Problem]] = field(default_factory=dict)

    def take(self, event: bytes | dict[str, Any]) -> None:
        """Check one more event."""
        found: list[Problem] = []
        for document in _sound(event, found):
            self.sound.append(document.body)
            self.places.append(self.total)
        if found:
            self.refuse(self.total, found)
        self.total += 1

    def refuse(self, index: int, found: list[Problem]) -> None:
        """Keep what is wrong with an event, unless enough is known to be."""
        self.failed += 1
        if len(self.wrong) < TOLD:
            self.wrong[index] = found


async def receive_event(request: Request) -> Response:
    """Answer a POST of an event with 201 after its commit; of several, as a batch."""
    body = await json_body(request)
    if body[:TOLD].lstrip()[:1] == b"[":
        return await _batch(request, body, CREATED)
    if len(body) > LARGEST:
        return _too_large(len(body))
    found: list[Problem] = []
    commits: GroupCommit = request.app.state.commits
    try:
        refused = await commits.add(lambda: _sound(body, found))
    except BackendError:
        refused = await _apart(len(body), _malformed, body, found)
        if not (found or refused):
            raise
    found += [Problem(refusal.where, refusal.reason) for refusal in refused]
    return _refused(found) if found else Response(status_code=CREATED)


def _malformed(event: bytes, found: list[Problem]) -> list[Refusal]:
    """Return why the store would refuse an event, which needs no database to tell."""
    intake = Intake()
    deque(intake.take(_sound(event, found)), maxlen=0)
    return intake.refused


def _sound(event: bytes | dict[str, Any], found: list[Problem]) -> Iterator[Document]:
    """Yield an event that may be stored; else note what is wrong with it."""
    found.clear()
    try:
        document = read(event)
    except MalformedError as error:
        found.append(Problem(error.where, error.reason))
        return
    found += problems(document.value)
    if not found:
        yield document


async def receive_batch(request: Request) -> Response:
    """Answer a POST of an array of events with what became of them."""
    return await _batch(request, await json_body(request), 200)


async def _batch(request: Request, body: bytes, status: int) -> Response:
    received = await _apart(len(body), _check_all, body)
    await _store(request, received)
    if received.total and received.failed == received.total:
        found = [problem for _, problem in _by_index(received)]
        return _refused(found, received.failed - len(received.wrong))
    summary = orjson.dumps(_summary(received))
    return Response(summary, status, media_type="application/json")


async def _apart(size: int, work: Callable[..., T], *values: Any) -> T:
    """Do what takes long for as many bytes, while others are answered."""
    if size <= AT_ONCE:
        return work(*values)
    return await asyncio.to_thread(work, *values)


def _check_all(body: bytes) -> Received:
    try:
        events = elements(body)
    except ValueError as error:
        raise HTTPException(400, f"the body holds no events: {error}") from error
    return _check(events)


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
    events = received.sound
    for refusal in await commits.add(lambda: events, len(events)):
        problem = Problem(refusal.where, refusal.reason)
        received.refuse(received.places[refusal.index], [problem])


def _refused(found: Sequence[Problem], more: int = 0) -> Response:
    """Answer that nothing was stored, and why; of `more` events it is not told."""
    told = [{"path": one.path, "message": one.message} for one in found]
    said = "; ".join(map(str, found))
    if more:
        said = f"{said}; and {more:,} more events are wrong"
    return failure(UNPROCESSABLE, said, errors=told)


def _too_large(size: int) -> Response:
    return failure(
        TOO_LARGE, f"expected at most {LARGEST:,} bytes of an event, found {size:,}"
    )


def _by_index(received: Received) -> list[tuple[int, Problem]]:
    """Return the first problems; each path begins with the index of its event."""
    each = (
        (index, _brief(f"$[{index}]{one.path[1:]}", one.message))
        for index, found in sorted(received.wrong.items())
        for one in found
    )
    return list(islice(each, TOLD))


def _brief(path: str, message: str) -> Problem:
    return Problem(path[:LONGEST], message[:LONGEST])


def _summary(received: Received) -> dict[str, Any]:
    """Return what OpenLineage's specification wants to be told of a batch.

    Of many events that failed, the first are told, and the number of all.
    """
    failed = received.failed
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
