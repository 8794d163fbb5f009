"""Connections of a router to the model servers, which are kept and used again."""

import asyncio
from collections import defaultdict, deque
from typing import TypeAlias, cast

import httptools

from mlops_common.processes import LOOPBACK

Headers: TypeAlias = list[tuple[bytes, bytes]]
HIGH = 1 << 18  # bytes of an answer that may wait for a slow client


class UnreachableError(Exception):
    """Nobody accepts connections there; the request was not sent."""


class LostError(Exception):
    """The connection ended before the answer did; it may have had the request."""


class Upstream(asyncio.Protocol):
    """One connection to a model server, which answers a request at a time.

    Attributes:
        closed: Whether no more requests can be sent.
        used: How many answers it brought whole.
    """

    def __init__(self) -> None:
        self.closed = False
        self.used = 0
        self._waiting = 0
        self._loop = asyncio.get_running_loop()
        self._writable = asyncio.Event()
        self._writable.set()
        self._news: asyncio.Future[None] | None = None
        self._begin(bodiless=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # that of TCP

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.close()
        if self._waiting > HIGH:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Give up the answer that was awaited."""
        self.closed = True
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        """Let `write` wait."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let `write` go on."""
        self._writable.set()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the answer."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._status = self._parser.get_status_code()
        self._kept = self._parser.should_keep_alive() and not self._bodiless
        self._complete = self._bodiless

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(body)
        self._waiting += len(body)

    def on_message_complete(self) -> None:
        """Note that the answer is whole."""
        self._complete = True

    def send(self, request: bytes, *, bodiless: bool = False) -> None:
        """Begin a request.

        Args:
            request: Its head, and as much of its body as there is.
            bodiless: Whether its answer has no body whatever its head says.
        """
        self._begin(bodiless=bodiless)
        self._transport.write(request)

    async def write(self, data: bytes) -> None:
        """Go on with a request."""
        self._transport.write(data)
        await self._writable.wait()

    async def head(self) -> tuple[int, Headers]:
        """Return the status and the headers of the answer once its body begins.

        Raises:
            LostError: The connection ended.
        """
        while not (self._status and (self._body or self._complete)):
            await self._more()
        return self._status, self._headers

    async def piece(self) -> tuple[bytes, bool]:
        """Return the next piece of the body, and whether more follow.

        Raises:
            LostError: The connection ended.
        """
        while not (self._body or self._complete):
            await self._more()
        piece = b"".join(self._body)
        self._body.clear()
        if self._waiting > HIGH:
            self._transport.resume_reading()
        self._waiting = 0
        return piece, not self._complete

    def done(self) -> None:
        """Make ready for the next request, if there can be one."""
        self.used += 1
        if not self._kept:
            self.close()

    def close(self) -> None:
        """End the connection."""
        self.closed = True
        self._transport.abort()

    def _begin(self, *, bodiless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless = bodiless
        self._status = 0
        self._headers: Headers = []
        self._body: list[bytes] = []
        self._waiting = 0
        self._complete = False
        self._kept = False

    async def _more(self) -> None:
        if self.closed:
            raise LostError
        self._news = self._loop.create_future()
        await self._news

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Pool:
    """Idle connections by port; the one used last is used next."""

    def __init__(self) -> None:
        self._idle: defaultdict[int, deque[Upstream]] = defaultdict(deque)

    async def take(self, port: int, *, fresh: bool = False) -> Upstream:
        """Return a connection that nobody uses, a new one if need be.

        Args:
            port: Where it leads.
            fresh: Whether it must be new.

        Raises:
            UnreachableError: Nobody listens at the port.
        """
        idle = self._idle[port]
        while idle and not fresh:
            connection = idle.pop()
            if not connection.closed:
                return connection
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_connection(Upstream, LOOPBACK, port)
        except OSError as error:
            raise UnreachableError from error
        return made

    def give(self, port: int, connection: Upstream) -> None:
        """Take back a connection after its answer."""
        connection.done()
        if not connection.closed:
            self._idle[port].append(connection)

    def keep(self, ports: set[int]) -> None:
        """Close the idle connections to all other ports."""
        for port in self._idle.keys() - ports:
            for connection in self._idle.pop(port):
                connection.close()
