"""The schedules that the packages ship fit into Prefect Cloud's free tier, together."""

from datetime import UTC, datetime

from mlops_common.deployments import installed
from mlops_common.orchestration.deployments.quota import quota


def test_the_shipped_schedules_use_less_than_half_of_the_free_task_runs() -> None:
    found = quota(installed(), datetime.now(UTC))

    assert found.task_runs > 0
    assert found.share < 0.5, found
    assert not any(cost.each.repeated for cost in found.costs)
