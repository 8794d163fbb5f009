"""The sockets at which a model server answers: its own, and the service's by turns."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import uvicorn

from mlops_common.processes import LOOPBACK
from mlops_common.serving.channel import RETIRE, SERVE, STOP, Ears, Line

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
    """A uvicorn server that leaves signals alone and can stop accepting first."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        self.opened.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leave signals to the process."""
        return nullcontext()

    def leave(self) -> None:
        """Accept no more connections; those that exist are answered."""
        for server in self.servers:
            server.close()

    @property
    def busy(self) -> bool:
        """Whether a connection is open."""
        return bool(self.server_state.connections)


class Server:
    """Answers with one application at several sockets of this process."""

    def __init__(self, app: Application, line: Line, ears: Ears) -> None:
        self._door = Door(app)
        self._line = line
        self._ears = ears
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Answer at a private port, and do what the supervisor says, until the end."""
        self._ears.open()
        own = socket.create_server((LOOPBACK, 0), backlog=BACKLOG)
        await self._accept(own)
        self._line.say("ready", own.getsockname()[1])
        while True:
            word, shared = await self._ears.next()
            if word == SERVE and shared is not None:
                await self._accept(shared)
                self._line.say("serving")
            elif word == RETIRE:
                await self._retire()
                break
            elif word == STOP:
                break
        for listener in self._listeners:
            listener.should_exit = True
        await asyncio.gather(*self._tasks)

    async def _accept(self, listening: socket.socket) -> None:
        config = uvicorn.Config(
            self._door,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=BACKLOG,
            timeout_keep_alive=65,
            timeout_graceful_shutdown=FINISH,
        )
        listener = Listener(config)
        self._listeners.append(listener)
        self._tasks.append(asyncio.create_task(listener.serve([listening])))
        await listener.opened.wait()

    async def _retire(self) -> None:
        """Leave the stable URL and wait until its connections are done or quiet."""
        self._door.closing = True
        public = self._listeners[1:]
        for listener in public:
            listener.leave()
        self._line.say("retiring")
        deadline = asyncio.get_running_loop().time() + IDLE
        while any(listener.busy for listener in public) and self._ears.quiet:
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(PAUSE)


def serve(app: Application, line: Line, ears: Ears) -> None:
    """Serve `app` until the supervisor says `stop`."""
    factory = uvicorn.Config(app, log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(Server(app, line, ears).run())


def _last(send: Send) -> Send:
    """Return a `send` that makes this answer the last of its connection."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), CLOSE]
        await send(message)

    return closing
