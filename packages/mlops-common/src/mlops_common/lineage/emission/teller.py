"""A thread that tells one receiver, and waits while it is away."""

import random
import threading

from mlops_common.errors import MlopsError
from mlops_common.lineage.courtesy import courtesy
from mlops_common.lineage.emission.outlet import Outlet
from mlops_common.logger import get_logger
from mlops_common.params import masked

IDLE = 0.5  # seconds between two looks; to be woken each time would cost the run more
FIRST_PAUSE = 0.5  # seconds before a receiver that is away is tried again
LONGEST_PAUSE = 30.0  # seconds between two tries

log = get_logger(__name__)


class Teller:
    """Tells one receiver until it is closed.

    Attributes:
        outlet: What is told.
        away: Whether the receiver did not listen when it was last told something.
    """

    def __init__(self, outlet: Outlet) -> None:
        """Start the thread.

        Args:
            outlet: What is told.
        """
        self.outlet = outlet
        self.away = False
        self._pause = FIRST_PAUSE
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"lineage-{outlet.receiver.name}", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """Look at once whether there is something to tell."""
        self._wake.set()

    @property
    def silence(self) -> float:
        """Seconds for which an answer of the receiver has been awaited."""
        return self.outlet.silence

    def end(self) -> None:
        """Ask the thread to end after the batch that it is at."""
        self._closed.set()
        self._wake.set()

    def close(self, timeout: float) -> None:
        """End the thread, after the batch that it is at.

        Args:
            timeout: Seconds to wait for it.
        """
        self.end()
        with courtesy().hurrying():
            self._thread.join(timeout)
        if self._thread.is_alive():
            self.outlet.abandon()
        else:
            self.outlet.receiver.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            courtesy().wait_for_quiet()
            try:
                self.outlet.tell(self._closed.is_set)
            except Exception as error:  # noqa: BLE001 - a thread must not end by one
                self._wait(error)
                continue
            if self.away:
                log.info("lineage: %s listens again", self.outlet.receiver.name)
            self.away, self._pause = False, FIRST_PAUSE
            self._wake.wait(IDLE)
            self._wake.clear()

    def _wait(self, error: Exception) -> None:
        """Wait for a receiver that is away, longer each time."""
        if not self.away:
            why = str(error) if isinstance(error, MlopsError) else repr(error)
            said = masked(" ".join(why.split()))
            log.warning("lineage is kept on disk and told later: %s", said)
        self.away = True
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        self._closed.wait(self._pause * jitter)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
