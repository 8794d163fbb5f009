"""Ties a program to the keeper: it sees to it that one lives, or ends itself.

`python -m mlops_common.parts.leash HOME MODULE ARGUMENT…` runs the module as `python -m
MODULE` does. A thread waits for the lock that the keeper holds; the kernel releases it
in the moment of the keeper's death, on Linux as on macOS. Then it starts another one,
unless the platform shall be down or the home folder is gone: then the program ends.
"""

import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mlops_common import locks
from mlops_common.errors import MlopsError
from mlops_common.logger import get_logger
from mlops_common.parts.folder import PlatformFolder

log = get_logger("mlops_common.parts.leash")

KEEPER = ("-m", "mlops_common.parts.keeper")
TRIES = 5
PAUSE = 1.0  # seconds for a new keeper to take the lock, twice that after each try
GRACE = 30.0  # seconds to end in good order


def command(folder: PlatformFolder, words: Sequence[str]) -> list[str]:
    """Return the command of a program on the leash.

    Examples:
        >>> command(PlatformFolder(Path("/home")), ["http.server", "80"])[1:]
        ['-m', 'mlops_common.parts.leash', '/home', 'http.server', '80']
    """
    return [sys.executable, "-m", __name__, str(folder.home), *words]


def start_keeper(folder: PlatformFolder) -> None:
    """Start the keeper of a platform unless one lives.

    Raises:
        BackendError: It cannot be started.
    """
    environment = {"MLOPS_HOME": str(folder.home)}
    folder.keeper.start([sys.executable, *KEEPER], environment)


def watch(folder: PlatformFolder) -> None:
    """Return once there is no keeper and none is wanted, or none can be started."""
    tries = 0
    while tries < TRIES:
        if folder.keeper.running():
            tries = 0
            _await_end(folder.alive)
        elif folder.plan() is None:
            return
        else:
            tries += 1
            with suppress(MlopsError):
                start_keeper(folder)
        time.sleep(PAUSE * 2**tries)


def hold(folder: PlatformFolder) -> None:
    """End this program, in good order if it can, once `watch` returns."""
    try:
        watch(folder)
    finally:
        log.warning("the keeper is gone: this program ends")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _await_end(lock: Path) -> None:
    """Wait until nobody holds a lock; return at once if its file is gone."""
    with suppress(OSError):
        if lock.exists():
            with locks.shared(lock):
                return


def main(home: str, module: str, *arguments: str) -> None:
    """Run a module on the leash."""
    folder = PlatformFolder(Path(home))
    threading.Thread(target=hold, args=(folder,), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
