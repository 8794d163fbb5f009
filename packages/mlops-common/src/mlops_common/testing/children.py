"""The programs of a server for tests, each a child of the test run."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

GRACE = 30.0  # seconds to end in good order


class Children:
    """Programs that run beside each other, each with a log of its own.

    None outlives the test run where the machine has `setpriv`, not even where that is
    killed. They belong to the thread that started them, with which they end.

    Args:
        folder: For their logs.

    Examples:
        >>> import tempfile
        >>> children = Children(Path(tempfile.mkdtemp()))
        >>> children.start("sleep", ["sleep", "60"])
        >>> children.require("sleep")
        >>> children.stop()
        >>> "sleep" in children
        False
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._running

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program, unless it was started and not ended."""
        if name in self:
            return
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def require(self, *names: str) -> None:
        """Complain if one of them ended, of all where none is named.

        Raises:
            AssertionError: It did; says with which code, and the end of its log.
        """
        for name in names or tuple(self._running):
            code = self._running[name].poll()
            if code is not None:
                said = self.log(name).read_text("utf-8", "replace")[-3000:]
                raise AssertionError(f"{name} ended with {code}:\n{said}")

    def kill(self, *names: str) -> None:
        """End programs as a power cut would; all of them where none is named."""
        ended = [self._running.pop(name) for name in names or tuple(self._running)]
        for process in ended:
            process.kill()
        for process in ended:
            process.wait(GRACE)

    def stop(self) -> None:
        """End all, the last one first: it needs those before it."""
        for process in reversed(self._running.values()):
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(GRACE)
        self._running.clear()

    def log(self, name: str) -> Path:
        """Return the file of what a program wrote."""
        return self._folder / f"{name}.out"
