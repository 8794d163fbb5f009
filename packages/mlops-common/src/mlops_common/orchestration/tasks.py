"""Steps of a flow as Prefect tasks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from mlops_common.errors import BackendError

if TYPE_CHECKING:
    from prefect import Task

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS = (1.0, 5.0)  # seconds before the second and the third attempt


def retried(function: Callable[P, R]) -> "Task[P, R]":
    """Make a Prefect task of which a `BackendError` alone is retried, twice.

    Nothing is cached: what a task stores is keyed by content, so that running it
    again writes the same thing again.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    return task(
        retries=len(RETRY_DELAYS),
        retry_delay_seconds=list(RETRY_DELAYS),
        retry_condition_fn=is_retryable,
        cache_policy=NO_CACHE,
    )(function)


def is_retryable(_task: Any, _run: Any, state: Any) -> bool:
    """Tell whether retrying may help: true for a `BackendError` alone."""
    try:
        state.result()
    except BackendError:
        return True
    except Exception:  # noqa: BLE001 - any other failure stays one
        return False
    return False
