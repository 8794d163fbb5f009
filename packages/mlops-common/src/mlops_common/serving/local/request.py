"""A client's request on its way through a router."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mlops_common.serving.local.listeners import Message

REPLAYED = 1 << 20  # bytes of a body that can be sent again; a longer one is streamed
# They are about one connection, not about the message.
HOP = frozenset(
    b"connection expect keep-alive proxy-connection te trailer transfer-encoding "
    b"upgrade".split()
)


class Gone(Exception):  # noqa: N818 - a fact, not an error
    """The client left."""


@dataclass(slots=True)
class Request:
    """One request of a client.

    Attributes:
        scope: What ASGI says of it.
        receive: Gives the rest of the body.
        body: The body, or its beginning.
        whole: Whether that is all, so that it can be sent again.
    """

    scope: Message
    receive: Callable[[], Awaitable[Message]]
    body: bytes
    whole: bool

    @classmethod
    async def read(
        cls, scope: Message, receive: Callable[[], Awaitable[Message]]
    ) -> "Request":
        """Read a request as far as it can be sent again.

        Raises:
            Gone: The client left before its end.
        """
        pieces, size, more = list[bytes](), 0, True
        while more and size <= REPLAYED:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            more = message.get("more_body", False)
        return cls(scope, receive, b"".join(pieces), whole=not more)

    def header(self, name: bytes) -> bytes | None:
        """Return the first header of a name, in lower case."""
        return next((v for key, v in self.scope["headers"] if key == name), None)

    @property
    def framed(self) -> bool:
        """Whether the length of its body is known."""
        return self.whole or self.header(b"content-length") is not None

    def encoded(self) -> bytes:
        """Return the request as far as it was read."""
        scope = self.scope
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        method = scope["method"].encode("ascii")
        parts = [method, b" ", scope["raw_path"], query, b" HTTP/1.1\r\n"]
        for name, value in scope["headers"]:
            if name not in HOP and name != b"content-length":
                parts += (name, b": ", value, b"\r\n")
        if not self.framed:
            parts.append(b"transfer-encoding: chunked\r\n\r\n")
            return b"".join(parts) + _chunk(self.body)
        length = None if self.whole else self.header(b"content-length")
        if length is None and (self.body or method != b"GET"):
            length = b"%d" % len(self.body)
        if length is not None:
            parts += (b"content-length: ", length, b"\r\n")
        parts += (b"\r\n", self.body)
        return b"".join(parts)

    async def piece(self) -> tuple[bytes, bool]:
        """Return the next piece of the rest, encoded, and whether more follow.

        Raises:
            Gone: The client left before its end.
        """
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body, more = message.get("body", b""), message.get("more_body", False)
        return (body if self.framed else _chunk(body, last=not more)), more


def _chunk(data: bytes, *, last: bool = False) -> bytes:
    chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
    return chunk + b"0\r\n\r\n" if last else chunk
