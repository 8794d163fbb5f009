"""The line between a supervisor and one of its servers: words over a socket pair.

A server says `ready PORT`, `serving`, `left` and `retiring`. It is told `serve`, which
comes with the listening socket of the stable URL, `leave`, which takes that back,
`retire` and `stop`. A router is also told a `route ROUTE`, and says `routed ROUTE` once
it follows it. The end of the line means that the other side died, which a server does
not survive.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from threading import Thread, Timer
from typing import NamedTuple

SERVE = b"serve"
LEAVE = b"leave"
ROUTE = b"route"
RETIRE = b"retire"
STOP = b"stop"
LENGTH = 4096  # bytes read at once
LAST = 40.0  # seconds from `stop` to the hard end


class Told(NamedTuple):
    """What a server was told.

    Attributes:
        word: One of the words above.
        argument: What came after it.
        shared: The listening socket, with `serve`.
    """

    word: bytes
    argument: bytes = b""
    shared: socket.socket | None = None


class Lines:
    """Bytes in pieces of any size, as lines."""

    def __init__(self) -> None:
        self._rest = b""

    def complete(self, data: bytes) -> list[bytes]:
        r"""Return the lines that end in `data`.

        Examples:
            >>> lines = Lines()
            >>> lines.complete(b"ready 1")
            []
            >>> lines.complete(b"234\nserving\n")
            [b'ready 1234', b'serving']
        """
        *found, self._rest = (self._rest + data).split(b"\n")
        return found


class Line:
    """The server's end, heard by a thread: loading a model must not deafen it."""

    def __init__(self, handle: int) -> None:
        self._end = _private(handle)

    def listen(self, hear: Callable[[Told], None]) -> None:
        """Call `hear` with all that is told.

        The death of the supervisor is heard as `stop`.
        """
        Thread(target=self._listen, args=(hear,), name="channel", daemon=True).start()

    def say(self, *words: object) -> None:
        """Tell the supervisor something; it does not matter if it is dead."""
        try:
            self._end.sendall(" ".join(map(str, words)).encode() + b"\n")
        except OSError:
            return

    def _listen(self, hear: Callable[[Told], None]) -> None:
        lines, sockets = Lines(), list[socket.socket]()
        while True:
            try:
                data, handles, _, _ = socket.recv_fds(self._end, LENGTH, 1)
            except OSError:
                data, handles = b"", []
            sockets += map(_private, handles)
            for line in lines.complete(data):
                word, _, argument = line.partition(b" ")
                shared = sockets.pop(0) if word == SERVE and sockets else None
                hear(Told(word, argument, shared))
            if not data:
                hear(Told(STOP))
                return


class Ears:
    """What a server is told, whether or not its event loop runs yet."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Queue[Told] = asyncio.Queue()

    def hear(self, told: Told) -> None:
        """Take a word from any thread; any ends a server that still loads."""
        if self._loop is None:
            os._exit(0)
        if told.word == STOP:
            timer = Timer(LAST, os._exit, [1])
            timer.daemon = True
            timer.start()
        self._loop.call_soon_threadsafe(self._told.put_nowait, told)

    def open(self) -> None:
        """Pass words to the running event loop from now on; SIGTERM is `stop`."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGTERM, self.hear, Told(STOP))

    async def next(self) -> Told:
        """Return what was told next."""
        return await self._told.get()

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be heard."""
        return self._told.empty()


def tell(end: socket.socket, told: Told) -> None:
    """Tell a server something; it does not matter if it is dead.

    Args:
        end: The supervisor's end.
        told: The word, with what belongs to it.
    """
    handles = [] if told.shared is None else [told.shared.fileno()]
    line = b" ".join(part for part in (told.word, told.argument) if part)
    try:
        socket.send_fds(end, [line + b"\n"], handles)
    except OSError:
        return


def _private(handle: int) -> socket.socket:
    """Return an inherited socket, closed to the programs that this process starts."""
    os.set_inheritable(handle, False)  # noqa: FBT003 - the library's signature
    return socket.socket(fileno=handle)
