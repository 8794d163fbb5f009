"""What flows and steps can be made of."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from mlops_common.testing.marks import PREFECT_CLIENT

pytestmark = PREFECT_CLIENT


async def awaits() -> int:
    return 1


async def streams() -> AsyncIterator[int]:
    yield 1


def yields() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("function", [awaits, streams, yields])
def test_what_returns_before_its_work_is_done_is_no_flow_and_no_step(
    function: Callable[..., Any],
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    for made in (flow("UC0: Early"), task(timeout=MINUTE)):
        with pytest.raises(
            TypeError, match=rf"expected a plain function.*{function.__name__}"
        ):
            made(function)
