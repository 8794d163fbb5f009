"""Who may call the API, and the paths of names that hold a slash."""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH = "/health"
NOSNIFF = (b"x-content-type-options", b"nosniff")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request goes no further.

    Attributes:
        status: HTTP status.
        message: What to do about it.
    """

    status: int
    message: str


WRONG_KEY = Refused(
    401, "this API needs its key, as the header `Authorization: Bearer KEY`"
)
WRONG_HOST = Refused(
    403, "without a key, this API is only for this machine: call it by 127.0.0.1"
)
FOREIGN = Refused(
    403, "without a key, no page of another site may change anything here"
)
SAFE = {"GET", "HEAD"}  # what a page may send, but not read the answer of


class Access:
    """Lets requests with the key through, each with the path as it was written.

    A name may hold a slash, which a client writes as `%2F`: decoded before the routes
    are matched, it would part the name in two.

    Args:
        app: What answers.
        key: Bearer token that every request must bring, but for `/health`.
        hosts: Names by which the server may be called; any when omitted. A page of
            another site that names its own host after this machine is refused, and
            so is one that would change something.
    """

    def __init__(
        self,
        app: ASGIApp,
        key: str | None = None,
        hosts: Collection[str] | None = None,
    ) -> None:
        self._app = app
        self._key = None if key is None else key.encode()
        self._hosts = None if hosts is None else {host.encode() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is not None:
            await _refuse(send, refused)
            return
        raw = scope.get("raw_path") or quote(scope["path"]).encode()
        head = scope["method"] == "HEAD"  # the answer of GET, without its body
        scope = {**scope, "path": raw.decode("ascii", "replace")}
        if head:
            scope["method"] = "GET"

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), NOSNIFF]
            elif head:
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, told)

    def _refused(self, scope: Scope) -> Refused | None:
        headers = dict(scope["headers"])
        if self._hosts is not None:
            if _name(headers.get(b"host", b"")) not in self._hosts:
                return WRONG_HOST
            if scope["method"] not in SAFE and self._foreign(headers):
                return FOREIGN
        if self._key is None or scope["path"] == HEALTH:
            return None
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        good = hmac.compare_digest(token.strip(), self._key)
        return None if good and scheme.lower() == b"bearer" else WRONG_KEY

    def _foreign(self, headers: Mapping[bytes, bytes]) -> bool:
        """Tell whether a page of another site asks, as its browser says."""
        if headers.get(b"sec-fetch-site") == b"cross-site":
            return True
        origin = headers.get(b"origin")
        if origin is None or self._hosts is None:
            return False
        return _name(origin.partition(b"://")[2]) not in self._hosts


def _name(host: bytes) -> bytes:
    """Return a host without its port."""
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name.lower()


async def _refuse(send: Send, refused: Refused) -> None:
    body = orjson.dumps({"code": refused.status, "message": refused.message})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        NOSNIFF,
    ]
    if refused.status == WRONG_KEY.status:
        headers.append((b"www-authenticate", b"Bearer"))
    await send(
        {"type": "http.response.start", "status": refused.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": body})
