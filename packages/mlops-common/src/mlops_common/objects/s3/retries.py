"""Trying again, a little later each time."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mlops_common.logger import get_logger
from mlops_common.objects.s3.errors import ERRORS, transient

log = get_logger(__name__)
T = TypeVar("T")
FIRST, LONGEST = 0.5, 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Retries:
    """How often to try again where an error may pass.

    The pause doubles from half a second to twenty; a random half of it keeps many
    clients from coming back at once, the other half outlasts a server's restart.

    Attributes:
        tries: Further tries after the first.
        first: Seconds of the first pause, at most.
    """

    tries: int
    first: float = FIRST

    def call(self, action: str, request: Callable[[], T]) -> T:
        """Return what `request` returns, in the end.

        Args:
            action: What is being done, for the log: `write object 'a'`.
            request: Can be made again.

        Examples:
            >>> Retries(2).call("count", lambda: 3)
            3
        """
        failures = 0
        while True:
            try:
                return request()
            except ERRORS as error:
                failures += 1
                self.pause(action, failures, error)

    def pause(self, action: str, failures: int, error: Exception) -> None:
        """Wait before another try.

        Args:
            action: What is being done.
            failures: How many tries in a row failed, this one included.
            error: Raised where there is no further try, or where none would help.
        """
        if failures > self.tries or not transient(error):
            raise error
        seconds = self._seconds(failures)
        log.warning(
            "cannot %s: %s; trying again in %.1f s (%d of %d)",
            action,
            error,
            seconds,
            failures,
            self.tries,
        )
        time.sleep(seconds)

    def _seconds(self, failures: int) -> float:
        most = float(min(LONGEST, self.first * 2 ** (failures - 1)))
        return most / 2 + most / 2 * secrets.randbelow(1000) / 1000
