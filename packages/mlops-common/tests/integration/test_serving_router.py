"""The router before servers that fail at will, which model servers do not."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mlops_common.ports import free_port
from mlops_common.serving.local.listeners import Listener
from mlops_common.serving.local.records import Route, Target
from mlops_common.serving.local.request import REPLAYED
from mlops_common.serving.local.router import Router
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.testing.serving import spec
from mlops_common.testing.serving.upstream import Upstream

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
INFER = (
    b"POST /v2/models/scores/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
)
STABLE, CANARY = 1, 2


class Front:
    """A router with two servers behind it."""

    def __init__(self, folder: ServiceFolder, models: Path) -> None:
        for number in (STABLE, CANARY):
            assert folder.add(spec(models, number)) == number
        self.router = Router(folder)
        self.stable, self.canary = Upstream(STABLE), Upstream(CANARY)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self._clients: list[asyncio.StreamWriter] = []

    def lead(self, stable: int, canary: int, percent: int = 100) -> None:
        route = Route(
            stable=Target(revision=STABLE, port=stable),
            canary=Target(revision=CANARY, port=canary),
            percent=percent,
        )
        self.router.follow(route.model_dump_json().encode())

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Front"]:
        listener = Listener(self.router, None)
        serving = asyncio.create_task(listener.serve([self.listening]))
        await listener.opened.wait()
        async with self.stable.running(), self.canary.running():
            self.lead(self.stable.port, self.canary.port)
            yield self
            for client in self._clients:
                client.close()
            listener.should_exit = True
            await serving
            self.router.follow(Route().model_dump_json().encode())

    async def connect(self) -> Streams:
        port = self.listening.getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self._clients.append(writer)
        return reader, writer


Scene = Callable[[Front], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scene], None]:
    async def within(scene: Scene) -> None:
        folder = ServiceFolder(tmp_path / "scores")
        async with (
            asyncio.timeout(60),
            Front(folder, tmp_path / "models").running() as front,
        ):
            await scene(front)

    return lambda scene: asyncio.run(within(scene))


async def asked(streams: Streams, request: bytes = INFER) -> tuple[int, bytes]:
    """Return the status and the body of an answer with a length."""
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().splitlines()[1:-1])
    body = await reader.readexactly(int(fields[b"content-length"]))
    return int(head.split()[1]), body


def test_connections_are_kept_on_both_sides(play: Callable[[Scene], None]) -> None:
    async def scene(front: Front) -> None:
        front.lead(front.stable.port, front.canary.port, percent=50)
        client = await front.connect()
        found = [await asked(client) for _ in range(40)]

        assert set(found) == {(200, b"1"), (200, b"2")}
        assert front.stable.connections == front.canary.connections == 1

    play(scene)


def test_a_kept_connection_that_was_closed_loses_no_request(
    play: Callable[[Scene], None],
) -> None:
    async def scene(front: Front) -> None:
        front.canary.answer = front.canary.silent_end
        client = await front.connect()

        assert [await asked(client) for _ in range(20)] == [(200, b"2")] * 20
        assert front.stable.bodies == []

    play(scene)


def test_the_other_version_answers_what_one_died_of(
    play: Callable[[Scene], None],
) -> None:
    async def scene(front: Front) -> None:
        client = await front.connect()
        assert await asked(client) == (200, b"2")
        front.canary.answer = front.canary.nothing

        assert [await asked(client) for _ in range(5)] == [(200, b"1")] * 5

    play(scene)


def test_what_kills_both_versions_is_not_sent_for_ever(
    play: Callable[[Scene], None],
) -> None:
    async def scene(front: Front) -> None:
        front.stable.answer = front.stable.nothing
        front.canary.answer = front.canary.nothing
        status, body = await asked(await front.connect())

        assert status == 502
        assert "died" in json.loads(body)["error"]
        assert len(front.stable.bodies) == len(front.canary.bodies) == 1

    play(scene)


def test_a_request_that_was_lost_waits_for_a_version_too(
    play: Callable[[Scene], None],
) -> None:
    async def scene(front: Front) -> None:
        front.canary.answer = front.canary.nothing
        front.lead(free_port(), front.canary.port)
        asking = asyncio.create_task(asked(await front.connect()))
        while not front.canary.bodies:
            await asyncio.wait([asking], timeout=0.02)
        front.lead(front.stable.port, front.canary.port, percent=0)

        assert await asking == (200, b"1")

    play(scene)


def test_requests_wait_until_a_version_is_back(play: Callable[[Scene], None]) -> None:
    async def scene(front: Front) -> None:
        front.lead(free_port(), free_port())
        asking = asyncio.create_task(asked(await front.connect()))
        await asyncio.wait([asking], timeout=0.2)
        assert not asking.done()
        front.lead(front.stable.port, front.canary.port)

        assert await asking == (200, b"2")

    play(scene)


def test_half_an_answer_is_not_taken_for_a_whole_one(
    play: Callable[[Scene], None],
) -> None:
    async def scene(front: Front) -> None:
        front.canary.answer = front.canary.half
        with pytest.raises(asyncio.IncompleteReadError):
            await asked(await front.connect())

        front.canary.answer = front.canary.whole
        assert await asked(await front.connect()) == (200, b"2")

    play(scene)


def test_an_answer_in_chunks_passes(play: Callable[[Scene], None]) -> None:
    async def scene(front: Front) -> None:
        front.canary.answer = front.canary.chunks
        reader, writer = await front.connect()
        writer.write(INFER)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"0\r\n\r\n")

        assert b"transfer-encoding: chunked" in head
        assert body.count(b"2") == 3

    play(scene)


@pytest.mark.parametrize("size", [0, 1, REPLAYED, REPLAYED + 1, 5 * REPLAYED])
def test_a_body_of_any_size_passes_once(
    play: Callable[[Scene], None], size: int
) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    head = b"POST / HTTP/1.1\r\nHost: x\r\n"

    async def scene(front: Front) -> None:
        client = await front.connect()
        known = head + b"Content-Length: %d\r\n\r\n" % size + body
        half = size // 2
        parts = [part for part in (body[:half], body[half:]) if part]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

        assert await asked(client, known) == (200, b"2")
        assert await asked(client, chunked) == (200, b"2")
        assert front.canary.bodies == [body, body]

    play(scene)


def test_a_long_body_is_not_sent_twice_in_part(play: Callable[[Scene], None]) -> None:
    size = 3 * REPLAYED
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (size, bytes(size))

    async def scene(front: Front) -> None:
        client = await front.connect()
        assert (await asked(client, request))[0] == 200
        front.canary.answer = front.canary.nothing

        assert (await asked(client, request))[0] == 502
        assert front.stable.bodies == []

    play(scene)


def test_requests_on_many_connections_are_not_mixed_up(
    play: Callable[[Scene], None],
) -> None:
    async def scene(front: Front) -> None:
        front.lead(front.stable.port, front.canary.port, percent=50)

        async def client() -> list[tuple[int, bytes]]:
            streams = await front.connect()
            return [await asked(streams) for _ in range(20)]

        each = await asyncio.gather(*(client() for _ in range(20)))
        found = [answer for answers in each for answer in answers]
        assert {status for status, _ in found} == {200}
        assert abs(sum(body == b"2" for _, body in found) - 200) <= 4

    play(scene)


def test_a_head_request_has_no_body(play: Callable[[Scene], None]) -> None:
    async def scene(front: Front) -> None:
        reader, writer = await front.connect()
        writer.write(b"HEAD /v2 HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 200")
        assert await asked((reader, writer)) == (200, b"2")

    play(scene)
