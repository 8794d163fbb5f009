"""What Prefect sends behind a run's back is sent before the run ends, or given up.

Events and log lines wait in queues of this process. Prefect empties them at its exit
and waits as long as that takes: where the API is gone, minutes, for each event is tried
eleven times. Nobody misses them there.
"""

from concurrent.futures import wait
from typing import Any

PATIENCE = 10.0  # seconds; a healthy API takes what is left in less than one
FAREWELL = 2.0  # seconds to close connections


def drain(seconds: float = PATIENCE) -> None:
    """Send what waits, and give up what was not sent in time."""
    # Prefect has no public way to stop one of these services without its work.
    from prefect._internal.concurrency import services as prefect_services

    base: Any = prefect_services._QueueServiceBase  # noqa: SLF001
    services = [*base._instances.values()]  # noqa: SLF001
    # Stopping a service forgets its task.
    tasks = [(service._loop, service._task) for service in services]  # noqa: SLF001
    pending = base.drain_all(timeout=seconds).not_done
    if not pending:
        return
    for loop, task in tasks:
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)
    wait(pending, timeout=FAREWELL)
