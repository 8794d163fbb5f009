"""Steps of a flow as Prefect tasks: retried, bounded in time, resumed by content.

A use case writes `@task(timeout=10 * MINUTE)` and has all of this. A step that takes
long also says how to see that what it made is still there, `holds=…`, and a later run
of the same content skips it. Without `holds` a step always runs: give it only to steps
whose outcome follows from their inputs, the code, and what `holds` looks at.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.task_engine import TaskRunTimeoutError
from prefect.tasks import exponential_backoff

from mlops_common.errors import BackendError
from mlops_common.orchestration.caching import ByContent, results_folder
from mlops_common.orchestration.functions import require_plain
from mlops_common.orchestration.lineage.prefect_runs import told_try

P = ParamSpec("P")
R = TypeVar("R")

MINUTE, HOUR = 60.0, 3600.0  # seconds
RETRIES = 2
BACKOFF = 2.0  # seconds before the first retry, twice as long before each later one
JITTER = 0.5  # share by which a pause varies, so that many runs do not retry at once
STEP = "step "


class Step(Task[P, R]):
    """A Prefect task that keeps its results at home, and names itself in errors."""

    @property
    def result_storage(self) -> Any:
        """Folder of the results, that of the home in use when the task runs."""
        return results_folder() if self.persist_result else None

    @result_storage.setter
    def result_storage(self, _value: Any) -> None:
        """Take no other place."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]
        """Run; an error knows the step that it ended.

        Raises:
            BackendError: The step took too long.
        """
        try:
            return super().__call__(*args, **kwargs)
        except TaskRunTimeoutError as error:
            late = too_late(self.name, self.timeout_seconds or 0.0)
            late.add_note(f"{STEP}{self.name}")
            raise late from error
        except BaseException as error:
            error.add_note(f"{STEP}{self.name}")
            raise


def task(
    *, timeout: float, holds: Callable[..., bool] | None = None
) -> Callable[[Callable[P, R]], Step[P, R]]:
    """Make a step of a flow: a Prefect task that retries a `BackendError` alone.

    Args:
        timeout: Seconds after which a try is stopped; that is not tried again.
        holds: Tells whether what the step returned earlier, for the same inputs and
            code, is still true; called with that, and the inputs by name. An error of
            ours means that it is not. The step always runs when omitted.

    Raises:
        TypeError: The function is an `async def`, or a generator.

    Examples:
        >>> @task(timeout=MINUTE)
        ... def count(rows: int) -> int:
        ...     return rows + 1
        >>> count.fn(1)
        2
    """

    def made(function: Callable[P, R]) -> Step[P, R]:
        require_plain(function)

        @functools.wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> R:
            with told_try(function, is_passing, too_late):
                return function(*args, **kwargs)

        return Step(
            told,
            retries=RETRIES,
            retry_delay_seconds=exponential_backoff(BACKOFF),
            retry_jitter_factor=JITTER,
            retry_condition_fn=is_retryable,
            timeout_seconds=timeout,
            cache_policy=NO_CACHE if holds is None else ByContent(holds=holds),
            persist_result=holds is not None,
            result_serializer="json",
        )

    return made


def is_retryable(_task: Any, _run: Any, state: Any) -> bool:
    """Tell whether retrying may help: true for a `BackendError` alone."""
    try:
        state.result()
    except Exception as error:  # noqa: BLE001 - any other failure stays one
        return is_passing(error)
    return False


def is_passing(error: Exception) -> bool:
    """Tell whether an error may not come again: true for a `BackendError` alone."""
    return isinstance(error, BackendError)


def too_late(name: str, seconds: float) -> BackendError:
    """Return the error of a step that did not end in time.

    Examples:
        >>> str(too_late("train", 60.0))[:41]
        "step 'train' did not end within 60 s and "
    """
    return BackendError(
        f"step {name!r} did not end within {seconds:g} s and was stopped; see in the "
        "run's log what it waited for, then run again, which skips the steps that "
        "ended"
    )


def failed_step(error: BaseException) -> str:
    """Return the name of the step that an error ended; empty outside of steps."""
    notes = (note for note in getattr(error, "__notes__", []) if note.startswith(STEP))
    return next(notes, "").removeprefix(STEP)
