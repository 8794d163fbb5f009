"""A server that fails at will, for what stands before servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[bool]]


class Upstream:
    """A server of raw HTTP that answers its number.

    Attributes:
        port: Where it listens, on loopback.
        connections: How many it accepted.
        bodies: The requests' bodies.
        answer: How it answers; one of its methods, and whether it keeps the
            connection then.
    """

    def __init__(self, number: int) -> None:
        """Let it be known by `number`; it starts when it is `running`."""
        self.number = number
        self.port = 0
        self.connections = 0
        self.bodies: list[bytes] = []
        self.answer: Answer = self.whole
        self._handlers: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Upstream"]:
        """Yield it while it accepts connections."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
        await asyncio.gather(*self._handlers)

    async def whole(self, writer: asyncio.StreamWriter) -> bool:
        """Answer, and keep the connection."""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % self.number)
        return True

    async def silent_end(self, writer: asyncio.StreamWriter) -> bool:
        """Answer, and close the connection without a word."""
        return not await self.whole(writer)

    async def nothing(self, _writer: asyncio.StreamWriter) -> bool:
        """Die before the answer."""
        return False

    async def half(self, writer: asyncio.StreamWriter) -> bool:
        """Die in the middle of the answer."""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n%d" % self.number)
        await writer.drain()
        return False

    async def chunks(self, writer: asyncio.StreamWriter) -> bool:
        """Answer in chunks."""
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(3):
            writer.write(b"1\r\n%d\r\n" % self.number)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return True

    def _accept(self, *streams: Any) -> None:
        self._handlers.append(asyncio.create_task(self._connected(*streams)))

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        kept = True
        try:
            while kept and (head := await reader.readuntil(b"\r\n\r\n")):
                self.bodies.append(await _body(head, reader))
                kept = await self.answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    fields = dict(line.split(b": ", 1) for line in head.lower().splitlines()[1:-1])
    if b"content-length" in fields:
        return await reader.readexactly(int(fields[b"content-length"]))
    body = b""
    while b"transfer-encoding" in fields:
        size = int(await reader.readline(), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            break
    return body
