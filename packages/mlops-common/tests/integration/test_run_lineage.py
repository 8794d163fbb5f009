"""What flows and steps tell of themselves, as the embedded store keeps it."""

import time
from collections.abc import Callable
from uuid import UUID

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.naming import stored
from mlops_common.lineage.recording import declares, notes, reads, writes
from mlops_common.orchestration.lineage import telling
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.testing.run_lineage import (
    ORDERS,
    SPEND,
    names,
    parent,
    rows,
    states,
    told,
)

pytestmark = PREFECT_CLIENT
DECLARED = "SELECT body FROM lineage.events WHERE job_name = %s AND run_id IS NULL"


def numbered(numbers: list[UUID]) -> Callable[[], int]:
    """Return a flow with one step, which add Prefect's numbers of their runs."""
    from prefect.context import FlowRunContext, TaskRunContext

    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def count_spend(rows: int) -> int:
        """Sum what each customer spent.

        In a currency.
        """
        context = TaskRunContext.get()
        assert context is not None
        numbers.append(context.task_run.id)
        reads(ORDERS)
        writes(lambda: SPEND.model_copy(update={"rows": rows}))
        notes("currency", {"code": "EUR"})
        return rows

    @flow("UC0: Told")
    def spend_pipeline() -> int:
        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        numbers.append(context.flow_run.id)
        return count_spend(2)

    return spend_pipeline


def test_a_flow_and_its_steps_are_told_under_the_numbers_of_prefect(
    platform: Platform,
) -> None:
    numbers: list[UUID] = []

    assert numbered(numbers)() == 2

    whole, step = numbers
    flows = told(platform, "spend_pipeline")
    steps = told(platform, "spend_pipeline.count_spend")
    assert states(flows) == states(steps) == ["START", "COMPLETE"]
    assert {event["run"]["runId"] for event in flows} == {str(whole)}
    assert {event["run"]["runId"] for event in steps} == {str(step)}
    for event in steps:
        assert parent(event) == ("spend_pipeline", str(whole), str(whole))
        assert event["job"]["namespace"] == "mlops"
    ended = steps[-1]
    assert names(ended, "inputs") == ["/data/orders.csv"]
    [output] = ended["outputs"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2
    facets = ended["run"]["facets"]
    assert facets["mlops_currency"]["code"] == "EUR"
    assert facets["processing_engine"]["name"] == "Prefect"
    job = ended["job"]["facets"]
    assert job["documentation"]["description"] == "Sum what each customer spent."
    assert job["jobType"]["jobType"] == "TASK"
    assert "parent" not in flows[0]["run"]["facets"]


def test_steps_in_threads_and_flows_below_know_what_they_are_a_part_of(
    platform: Platform,
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def read_part(number: int) -> int:
        reads(Dataset(name=stored(f"/data/{number}.csv")))
        return number

    @flow("UC0: Below")
    def part_pipeline() -> int:
        return read_part(7)

    @flow("UC0: Above")
    def whole_pipeline() -> list[int]:
        futures = read_part.map([1, 2])
        return [*(future.result() for future in futures), part_pipeline()]

    assert whole_pipeline() == [1, 2, 7]

    [top, *_] = told(platform, "whole_pipeline")
    number = top["run"]["runId"]
    [_, thread] = told(platform, "whole_pipeline.read_part")
    assert parent(thread) == ("whole_pipeline", number, number)
    assert len(names(thread, "inputs")) == 1
    [_, below] = told(platform, "part_pipeline")
    assert parent(below) == ("whole_pipeline", number, number)
    [_, step] = told(platform, "part_pipeline.read_part")
    assert parent(step) == ("part_pipeline", below["run"]["runId"], number)
    assert names(step, "inputs") == ["/data/7.csv"]


def test_a_step_of_somebody_elses_flow_is_told_as_a_part_of_it(
    platform: Platform,
) -> None:
    from prefect import flow

    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def write_spend() -> None:
        writes(SPEND)

    @flow
    def foreign_pipeline() -> None:
        write_spend()

    foreign_pipeline()

    [_, ended] = told(platform, "foreign_pipeline.write_spend")
    assert parent(ended)[0] == "foreign_pipeline"
    assert names(ended, "outputs") == ["/data/spend.parquet"]


def test_a_flow_without_prefect_is_told_under_numbers_of_its_own(
    platform: Platform,
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def read_orders() -> int:
        reads(ORDERS)
        return 1

    @flow("UC0: Direct")
    def direct_pipeline() -> int:
        return read_orders.fn()

    assert direct_pipeline.fn() == 1

    [_, ended] = told(platform, "direct_pipeline")
    assert ended["eventType"] == "COMPLETE"
    [_, step] = told(platform, "direct_pipeline.read_orders")
    assert parent(step)[:2] == ("direct_pipeline", ended["run"]["runId"])
    assert names(step, "inputs") == ["/data/orders.csv"]


def test_what_cannot_be_said_ends_no_run(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def divide() -> int:
        writes(lambda: [SPEND, 1 / 0])  # type: ignore[list-item]
        return 1

    @flow("UC0: Unsayable")
    def unsayable_pipeline() -> int:
        return divide()

    assert unsayable_pipeline() == 1

    assert states(told(platform, "unsayable_pipeline.divide")) == ["START", "COMPLETE"]


def test_where_lineage_is_disabled_nothing_is_told_or_asked(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    asked = []

    def orders() -> Dataset:
        asked.append(1)
        return ORDERS

    @task(timeout=MINUTE)
    def keep_quiet() -> int:
        reads(orders)
        return 1

    @flow("UC0: Disabled")
    def quiet_pipeline() -> int:
        return keep_quiet()

    monkeypatch.setenv("MLOPS_LINEAGE__ENABLED", "false")
    assert quiet_pipeline() == 1

    assert told(platform, "quiet_pipeline") == []
    assert asked == []


def test_a_long_step_and_its_flow_tell_that_they_go_on(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    monkeypatch.setattr(telling, "PULSE", 0.2)

    @task(timeout=MINUTE)
    def train_long() -> None:
        reads(ORDERS)
        time.sleep(1)

    @flow("UC0: Long")
    def long_pipeline() -> None:
        train_long()

    long_pipeline()

    assert "RUNNING" in states(told(platform, "long_pipeline"))
    events = told(platform, "long_pipeline.train_long")
    assert {*states(events)} == {"START", "RUNNING", "COMPLETE"}
    assert names(events[1], "inputs") == ["/data/orders.csv"]


def test_a_job_that_has_no_run_is_told_beside_the_step_that_declares_it(
    platform: Platform,
) -> None:
    from datetime import UTC, datetime

    from mlops_common.lineage.observation import declared
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def serve_spend() -> None:
        now = datetime.now(UTC)
        declares(lambda: declared("serve.spend", now, inputs=(SPEND,)))

    @flow("UC0: Serving")
    def serving_pipeline() -> None:
        serve_spend()

    serving_pipeline()

    told(platform, "serving_pipeline")
    [[event]] = rows(platform, DECLARED, "serve.spend")
    assert names(event, "inputs") == ["/data/spend.parquet"]
    assert "run" not in event
