"""The sockets at which a server answers: its own, and the service's by turns."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import uvicorn

from mlops_common.processes import LOOPBACK
from mlops_common.serving.local.channel import (
    LEAVE,
    RETIRE,
    ROUTE,
    SERVE,
    STOP,
    Ears,
    Line,
    Told,
)

IDLE = 5.0  # seconds that a retiring server leaves to quiet connections
FINISH = 15  # seconds to answer the requests that were begun
PAUSE = 0.02
BACKLOG = 2048

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Any, Send], Awaitable[None]]
CLOSE = (b"connection", b"close")


class Door:
    """An application that can ask its clients to connect anew.

    Attributes:
        closing: Whether each answer is the last of its connection.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self.closing = False

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Answer a request."""
        await self._app(scope, receive, _last(send) if self.closing else send)


class Listener(uvicorn.Server):
    """A uvicorn server that leaves signals alone and can stop accepting first.

    Args:
        app: Answers the requests.
        headers: Headers of every answer. `None` is for a router, whose answers have
            those that another server gave them.
    """

    def __init__(self, app: Application, headers: Mapping[str, str] | None) -> None:
        self.door = Door(app)
        self.opened = asyncio.Event()
        config = uvicorn.Config(
            self.door,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=65,
            timeout_graceful_shutdown=FINISH,
            server_header=headers is not None,
            date_header=headers is not None,
            headers=list((headers or {}).items()),
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        self.opened.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leave signals to the process."""
        return nullcontext()

    def leave(self) -> None:
        """Accept no more connections; each that exists is answered once more."""
        self.door.closing = True
        for server in self.servers:
            server.close()

    @property
    def busy(self) -> bool:
        """Whether a connection is open."""
        return bool(self.server_state.connections)


class Server:
    """Answers at several sockets of this process.

    Args:
        app: Answers at the stable URL.
        line: To the supervisor.
        ears: What the supervisor says.
        private: Answers at the private port; `app` if omitted.
        headers: As for a listener.
        follow: Told the routes, if this is a router.
    """

    def __init__(
        self,
        app: Application,
        line: Line,
        ears: Ears,
        *,
        private: Application | None = None,
        headers: Mapping[str, str] | None = None,
        follow: Callable[[bytes], None] | None = None,
    ) -> None:
        self._app = app
        self._private = private or app
        self._headers = headers
        self._follow = follow
        self._line = line
        self._ears = ears
        self._public: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Answer at a private port, and do what the supervisor says, until the end."""
        self._ears.open()
        own = socket.create_server((LOOPBACK, 0), backlog=BACKLOG)
        listener = await self._accept(self._private, own)
        self._line.say("ready", own.getsockname()[1])
        while not await self._obey(await self._ears.next()):
            pass
        for each in (listener, *self._public):
            each.should_exit = True
        await asyncio.gather(*self._tasks)

    async def _obey(self, told: Told) -> bool:
        """Do what was told; return whether that was the last."""
        if told.word == SERVE and told.shared is not None:
            self._public.append(await self._accept(self._app, told.shared))
            self._line.say("serving")
        elif told.word == LEAVE:
            self._leave()
            self._line.say("left")
        elif told.word == ROUTE and self._follow is not None:
            self._follow(told.argument)
            self._line.say("routed", told.argument.decode())
        elif told.word == RETIRE:
            await self._retire()
        return told.word in {RETIRE, STOP}

    async def _accept(self, app: Application, listening: socket.socket) -> Listener:
        listener = Listener(app, self._headers)
        self._tasks.append(asyncio.create_task(listener.serve([listening])))
        await listener.opened.wait()
        return listener

    def _leave(self) -> None:
        """Leave the stable URL; its clients connect anew after their next answer."""
        for listener in self._public:
            # Not one that was left just now: it may hold a connection unseen.
            listener.should_exit = listener.door.closing and not listener.busy
            listener.leave()
        self._public = [each for each in self._public if not each.should_exit]

    async def _retire(self) -> None:
        """Leave the stable URL and wait until its connections are done or quiet."""
        self._leave()
        self._line.say("retiring")
        deadline = asyncio.get_running_loop().time() + IDLE
        while any(listener.busy for listener in self._public) and self._ears.quiet:
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(PAUSE)


def serve(
    app: Application,
    line: Line,
    ears: Ears,
    *,
    headers: Mapping[str, str],
) -> None:
    """Serve `app` until the supervisor says `stop`."""
    run(Server(app, line, ears, headers=headers))


def run(server: Server) -> None:
    """Run a server on the fastest event loop there is."""
    factory = uvicorn.Config("", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(server.run())


def _last(send: Send) -> Send:
    """Return a `send` that makes this answer the last of its connection."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), CLOSE]
        await send(message)

    return closing
