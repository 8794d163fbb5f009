"""Splits a service's requests between two versions; a process of its supervisor.

`python -m mlops_common.serving.local.router FOLDER HANDLE` runs only while a canary
has a share: otherwise a model server itself answers at the stable URL. Each prediction
is dealt out anew, also on a connection that is kept. When a version dies the other one
answers, also the requests that were under way. What is no prediction, such as health
and metrics, is for the stable version, and what names a version is for that one.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import orjson

from mlops_common.logger import get_logger
from mlops_common.serving.local.assignment import HEADER, Dealer, entity_in, position
from mlops_common.serving.local.channel import Ears, Line
from mlops_common.serving.local.listeners import Message, Send, Server, run
from mlops_common.serving.local.records import Route, Target
from mlops_common.serving.local.request import Gone, Request
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.serving.local.upstream import (
    LostError,
    Pool,
    UnreachableError,
    Upstream,
)

log = get_logger("mlops_common.serving.local.router")

PATIENCE = 60.0  # seconds that a request waits for a version to come back
PAUSE = 1.0
LOSSES = 2  # servers that may die of a request before it is given up
VERSION = re.compile(rb"/versions/([^/]+)")
CONNECTION = frozenset([b"connection", b"keep-alive"])
JSON = (b"content-type", b"application/json")


class Router:
    """The ASGI application at the stable URL while two versions share the requests."""

    def __init__(self, folder: ServiceFolder) -> None:
        self._folder = folder
        self._route = Route()
        self._versions: dict[int, int] = {}
        self._entity = ""
        self._changed = asyncio.Event()
        self._dealer = Dealer()
        self._pool = Pool()

    def follow(self, route: bytes) -> None:
        """Send requests along another route from now on."""
        self._route = Route.model_validate_json(route)
        specs = {t.revision: self._folder.spec(t.revision) for t in self._route.targets}
        self._versions = {n: spec.model.version for n, spec in specs.items()}
        self._entity = next((spec.entity for spec in specs.values()), self._entity)
        self._pool.keep({target.port for target in self._route.targets})
        self._changed.set()
        self._changed = asyncio.Event()

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Answer a request by one of the versions."""
        try:
            await self._answer(await Request.read(scope, receive), send)
        except Gone:
            return

    async def _answer(self, request: Request, send: Send) -> None:
        """Try the version that is due, then the other one; wait for either."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        lost = 0
        while asyncio.get_running_loop().time() < deadline:
            changed = self._changed
            for target in self._due(request):
                try:
                    return await self._forward(request, target, send)
                except UnreachableError:
                    log.warning("revision %d does not listen", target.revision)
                except LostError:
                    log.warning("revision %d lost a request", target.revision)
                    lost += 1
                    if lost == LOSSES or not request.whole:
                        return await _tell(send, 502, "the version that answered died")
            await _occurs(changed)
        return await _tell(send, 503, "no version of the service answers")

    def _due(self, request: Request) -> list[Target]:
        """Return who may answer a request, the one that shall first."""
        stable, canary = self._route.stable, self._route.canary
        if stable is None or canary is None:
            return self._route.targets
        path = request.scope["raw_path"]
        if (named := VERSION.search(path)) is not None:
            wanted = named[1].decode("latin-1")
            fits = [t for t in (stable, canary) if self._version(t) == wanted]
            return fits[:1] or [stable]
        if request.scope["method"] != "POST":
            return [stable, canary]
        ours = self._position(request, canary) * 100 < self._route.percent
        return [canary, stable] if ours else [stable, canary]

    def _position(self, request: Request, canary: Target) -> float:
        header = request.header(HEADER)
        if header is not None:
            entity: str | None = header.decode("latin-1")
        else:
            entity = entity_in(request.body, self._entity)
        if entity is None:
            return self._dealer.next()
        service = self._folder.path.name
        return position(service, self._versions[canary.revision], entity)

    def _version(self, target: Target) -> str:
        return str(self._versions[target.revision])

    async def _forward(self, request: Request, target: Target, send: Send) -> None:
        """Let one version answer.

        Raises:
            UnreachableError: It has not got the request.
            LostError: It did not answer; nothing was sent to the client.
        """
        fresh = not request.whole
        while True:
            connection = await self._pool.take(target.port, fresh=fresh)
            try:
                await _passed(connection, *await _asked(connection, request), send)
            except LostError:
                # The server may have closed a kept one before it had the request.
                if not connection.used:
                    raise
                fresh = True
            except BaseException:
                connection.close()
                raise
            else:
                return self._pool.give(target.port, connection)


async def _asked(connection: Upstream, request: Request) -> tuple[int, Any]:
    bodiless = request.scope["method"] == "HEAD"
    connection.send(request.encoded(), bodiless=bodiless)
    more = not request.whole
    while more:
        piece, more = await request.piece()
        await connection.write(piece)
    return await connection.head()


async def _passed(connection: Upstream, status: int, headers: Any, send: Send) -> None:
    """Pass an answer on to the client.

    Raises:
        RuntimeError: It ended too early, after its beginning was sent.
    """
    kept = [(name, value) for name, value in headers if name not in CONNECTION]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    try:
        more = True
        while more:
            piece, more = await connection.piece()
            body = {"type": "http.response.body", "body": piece, "more_body": more}
            await send(body)
    except LostError as error:
        raise RuntimeError("a model server died in the middle of its answer") from error


async def _tell(send: Send, status: int, error: str) -> None:
    body = orjson.dumps({"error": f"{error}; send the request again"})
    headers = [JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _occurs(event: asyncio.Event) -> None:
    """Wait for an event, or a moment."""
    try:
        async with asyncio.timeout(PAUSE):
            await event.wait()
    except TimeoutError:
        return


async def alive(_scope: Message, _receive: Any, send: Send) -> None:
    """Answer at the private port that the router is well."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def main(folder: str, handle: str) -> None:
    """Route the requests of a service until told to stop.

    Args:
        folder: Folder of the service.
        handle: File descriptor of the line to the supervisor.
    """
    line, ears = Line(int(handle)), Ears()
    line.listen(ears.hear)
    router = Router(ServiceFolder(Path(folder)))
    run(Server(router, line, ears, private=alive, follow=router.follow))


if __name__ == "__main__":
    main(*sys.argv[1:])
