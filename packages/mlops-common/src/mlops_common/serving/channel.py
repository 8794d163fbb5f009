"""The line between a supervisor and a model server: words over a socket pair.

The server says `ready PORT`, `serving` and `retiring`. It is told `serve`, which comes
with the listening socket of the stable URL, `retire` and `stop`. The end of the line
means that the other side died, which a server does not survive.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from threading import Thread, Timer
from typing import TypeAlias

SERVE = b"serve"
RETIRE = b"retire"
STOP = b"stop"
LENGTH = 64  # bytes, more than any word has
LAST = 40.0  # seconds from `stop` to the hard end

Word: TypeAlias = tuple[bytes, socket.socket | None]


class Line:
    """The server's end, heard by a thread: loading a model must not deafen it."""

    def __init__(self, handle: int) -> None:
        self._end = _private(handle)

    def listen(self, hear: Callable[[bytes, socket.socket | None], None]) -> None:
        """Call `hear` with each word, and the socket that came with it.

        The death of the supervisor is heard as `stop`.
        """
        Thread(target=self._listen, args=(hear,), name="channel", daemon=True).start()

    def say(self, *words: object) -> None:
        """Tell the supervisor something; it does not matter if it is dead."""
        try:
            self._end.sendall(" ".join(map(str, words)).encode() + b"\n")
        except OSError:
            return

    def _listen(self, hear: Callable[[bytes, socket.socket | None], None]) -> None:
        while True:
            try:
                data, handles, _, _ = socket.recv_fds(self._end, LENGTH, 1)
            except OSError:
                data, handles = b"", []
            shared = _private(handles[0]) if handles else None
            for word in data.split() or [STOP]:
                hear(word, shared)
            if not data:
                return


class Ears:
    """What a server is told, whether or not its event loop runs yet."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Queue[Word] = asyncio.Queue()

    def hear(self, word: bytes, shared: socket.socket | None = None) -> None:
        """Take a word from any thread; `stop` ends a server that still loads."""
        if self._loop is None:
            os._exit(0)
        if word == STOP:
            timer = Timer(LAST, os._exit, [1])
            timer.daemon = True
            timer.start()
        self._loop.call_soon_threadsafe(self._told.put_nowait, (word, shared))

    def open(self) -> None:
        """Pass words to the running event loop from now on; SIGTERM is `stop`."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGTERM, self.hear, STOP)

    async def next(self) -> Word:
        """Return the next word, and the socket that came with it."""
        return await self._told.get()

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be heard."""
        return self._told.empty()


def tell(end: socket.socket, word: bytes, shared: socket.socket | None = None) -> None:
    """Tell a server something; it does not matter if it is dead.

    Args:
        end: The supervisor's end.
        word: `serve`, `retire` or `stop`.
        shared: The listening socket that goes with `serve`.
    """
    handles = [] if shared is None else [shared.fileno()]
    try:
        socket.send_fds(end, [word + b"\n"], handles)
    except OSError:
        return


def _private(handle: int) -> socket.socket:
    """Return an inherited socket, closed to the programs that this process starts."""
    os.set_inheritable(handle, False)  # noqa: FBT003 - the library's signature
    return socket.socket(fileno=handle)
