"""How far a training is, told through the object store by the processes that train."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_common.errors import MlopsError, NotFoundError
from mlops_common.objects.base import ObjectStore
from mlops_common.progress import Advance, Unit

# The parts that count their work, in their order.
PARTS = ("Train", "Bootstrap", "Importance")
PAUSE = 1.0  # seconds between two words


class ToldSteps:
    """Listens to progress in a training process, and leaves word under the run key."""

    def __init__(self, objects: ObjectStore, run_key: str) -> None:
        self._objects = objects
        self._run_key = run_key
        self._due = 0.0

    @contextmanager
    def step(
        self,
        description: str,
        total: float | None,
        unit: Unit = "",  # noqa: ARG002 - a share is told
    ) -> Iterator[Advance]:
        """Follow one step, where it is a part of the training."""
        if description not in PARTS or not total:
            yield _ignore
            return
        before, done = PARTS.index(description), 0.0

        def advance(amount: float) -> None:
            nonlocal done
            done += amount
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + PAUSE
                self._tell((before + done / total) / len(PARTS))

        yield advance
        self._tell((before + 1) / len(PARTS))

    def _tell(self, share: float) -> None:
        try:
            self._objects.put(_key(self._run_key), f"{share:.3f}".encode())
        except MlopsError:
            # The training itself will find that the store fails.
            return


def told(objects: ObjectStore, run_key: str) -> float:
    """Return the share that is done, from 0 to 1; 0 where nothing was told.

    Raises:
        BackendError: The store failed.
    """
    try:
        return float(objects.read(_key(run_key)))
    except NotFoundError:
        return 0.0


def forget(objects: ObjectStore, run_key: str) -> None:
    """Forget what an earlier try told."""
    objects.delete(_key(run_key))


def _key(run_key: str) -> str:
    return f"training/{run_key}/progress"


def _ignore(amount: float) -> None:
    """Advance nothing: it is no part of the training that counts."""
