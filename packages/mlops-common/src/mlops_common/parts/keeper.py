"""The keeper: one process that keeps the parts of a platform running.

`python -m mlops_common.parts.keeper` finds its home by `$MLOPS_HOME` and what shall run
by the plan that `mlops up` wrote there; it ends when the plan is gone. Parts that run
already, started by another command or an earlier keeper, it takes over.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mlops_common import locks
from mlops_common.bootstrap import connect
from mlops_common.errors import BackendError, MlopsError
from mlops_common.log_files import bound
from mlops_common.logger import get_logger
from mlops_common.parts import catalogue
from mlops_common.parts.folder import PlatformFolder, Report
from mlops_common.parts.part import Part
from mlops_common.parts.watch import Watch

log = get_logger("mlops_common.parts.keeper")

TICK = 1.0  # seconds between two looks for services, and at the plan


class Keeper:
    """Watches the parts of one platform.

    Args:
        folder: Its files.
        parts: Returns what shall run now; services come and go.
    """

    def __init__(
        self, folder: PlatformFolder, parts: Callable[[], Iterable[Part]]
    ) -> None:
        self._folder = folder
        self._parts = parts
        self._watches: dict[str, Watch] = {}
        self._before = folder.last_report()
        self._number = self._before.keepers + 1 if self._before.keeper else 1
        self._telling = threading.Lock()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until the plan is gone, or `stop`."""
        with locks.exclusive(self._folder.alive):
            while not self._stopping.is_set() and self._folder.plan() is not None:
                self._reconcile()
                self._bound_logs()
                self._stopping.wait(TICK)
            for watch in self._watches.values():
                watch.leave()

    def stop(self) -> None:
        """Let `run` return soon; the parts go on."""
        self._stopping.set()

    def _reconcile(self) -> None:
        wanted = {part.name: part for part in self._parts()}
        for name in set(self._watches) - set(wanted):
            self._watches.pop(name).leave()
        new = [part for name, part in wanted.items() if name not in self._watches]
        for part in new:
            before = self._before.parts.get(part.name)
            watch = Watch(part, self._ready(part), self._tell, before)
            self._watches[part.name] = watch
        for part in new:
            self._watches[part.name].begin()
        if new:
            self._tell()

    def _bound_logs(self) -> None:
        """Let no log grow for ever, that of this process included."""
        for log_file in (self._folder.keeper.log, *self._logs()):
            bound(log_file)

    def _logs(self) -> Iterable[Path]:
        return (watch.part.log for watch in self._watches.values())

    def _ready(self, part: Part) -> Callable[[], bool]:
        def ready() -> bool:
            found = (self._watches.get(name) for name in part.after)
            return all(watch is not None and watch.running for watch in found)

        return ready

    def _tell(self) -> None:
        """Report how every part is doing."""
        with self._telling, suppress(BackendError):  # a full disk: the next one tells
            progress = {name: w.progress for name, w in [*self._watches.items()]}
            if self._folder.plan() is not None:
                report = Report(
                    keeper=os.getpid(), keepers=self._number, parts=progress
                )
                self._folder.tell(report)


def main() -> None:
    """Keep the platform of the home in `$MLOPS_HOME`."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    platform = connect()
    folder = PlatformFolder(platform.settings.home)
    # Whatever is started here runs in a folder that is no checkout.
    os.chdir(folder.path)
    plan = folder.plan()
    if plan is None:
        return
    fixed = list(catalogue.fixed(platform, plan))

    def parts() -> Iterable[Part]:
        try:
            return [*fixed, *catalogue.services(platform)]
        except (MlopsError, OSError, ValueError):
            log.exception("the services cannot be listed")
            return fixed

    keeper = Keeper(folder, parts)
    signal.signal(signal.SIGTERM, lambda _number, _frame: keeper.stop())
    log.info("keeping the platform of %s", folder.home)
    keeper.run()


if __name__ == "__main__":
    main()
