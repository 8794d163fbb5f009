"""What runs tell that fail, are late, are tried again or are skipped."""

import re
import time
from collections.abc import Callable
from contextlib import suppress

import prefect
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ContractError
from mlops_common.lineage.recording import notes, reads, writes
from mlops_common.testing.lineage_specification import Specification
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.testing.run_lineage import (
    ORDERS,
    PATIENCE,
    SPEND,
    names,
    parent,
    states,
    told,
    told_states,
)

pytestmark = PREFECT_CLIENT


def test_a_retry_tells_what_ended_the_try_before(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    problems = [BackendError("no answer from http://ann:hunter2@db")]

    @task(timeout=MINUTE)
    def load_orders() -> None:
        reads(ORDERS)
        if problems:
            raise problems.pop()

    @flow("UC0: Retried")
    def retry_pipeline() -> None:
        load_orders.with_options(retry_delay_seconds=0)()

    retry_pipeline()

    events = told(platform, "retry_pipeline.load_orders")
    assert states(events) == ["START", "RUNNING", "COMPLETE"]
    failure = events[1]["run"]["facets"]["errorMessage"]
    assert failure["message"].startswith("BackendError: no answer from")
    assert "in load_orders" in failure["stackTrace"]
    assert "hunter2" not in str(events)
    assert "errorMessage" not in events[2]["run"]["facets"]
    assert events[1]["run"]["facets"]["mlops_attempt"]["number"] == 2
    assert names(events[2], "inputs") == ["/data/orders.csv"]


def test_an_error_ends_the_step_and_its_flow(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def check_orders() -> None:
        reads(ORDERS)
        raise ContractError("an order has no customer")

    @flow("UC0: Broken")
    def broken_pipeline() -> None:
        check_orders()

    with pytest.raises(ContractError):
        broken_pipeline()

    for job in ("broken_pipeline", "broken_pipeline.check_orders"):
        events = told(platform, job)
        assert states(events) == ["START", "FAIL"]
        failure = events[1]["run"]["facets"]["errorMessage"]
        assert failure["message"] == "ContractError: an order has no customer"
        assert "Traceback" in failure["stackTrace"]
    assert names(events[1], "inputs") == ["/data/orders.csv"]


def test_a_step_that_is_tried_in_vain_fails_once(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def reach_source() -> None:
        raise BackendError("down")

    @flow("UC0: In Vain")
    def vain_pipeline() -> None:
        reach_source.with_options(retry_delay_seconds=0)()

    with pytest.raises(BackendError):
        vain_pipeline()

    events = told(platform, "vain_pipeline.reach_source")
    assert states(events) == ["START", "RUNNING", "RUNNING", "FAIL"]


def test_a_step_that_takes_too_long_fails_for_that(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import task

    @task(timeout=1)
    def wait_for_orders() -> None:
        reads(ORDERS)
        time.sleep(PATIENCE)

    @flow("UC0: Late")
    def late_pipeline() -> None:
        wait_for_orders()

    with pytest.raises(BackendError, match="did not end within 1 s"):
        late_pipeline()

    for job in ("late_pipeline", "late_pipeline.wait_for_orders"):
        events = told(platform, job)
        assert states(events) == ["START", "FAIL"]
        failure = events[1]["run"]["facets"]["errorMessage"]
        assert "'wait_for_orders' did not end within 1 s" in failure["message"]
        assert "in wait_for_orders" in failure["stackTrace"]
    assert names(events[1], "inputs") == ["/data/orders.csv"]


def test_a_flow_that_is_tried_again_ends_once(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow

    problems = [ValueError("not yet")]

    @flow("UC0: Again")
    def again_pipeline() -> int:
        if problems:
            raise problems.pop()
        return 1

    again = again_pipeline.with_options(retries=1, retry_delay_seconds=0)
    assert again() == 1

    events = told(platform, "again_pipeline")
    assert states(events) == ["START", "RUNNING", "COMPLETE"]
    failure = events[1]["run"]["facets"]["errorMessage"]
    assert failure["message"] == "ValueError: not yet"
    after = told_states(platform, "again_pipeline")
    assert after == {"again_pipeline": "COMPLETED"}


def skipping(done: list[int]) -> Callable[[], int]:
    """Return a flow whose step runs once, and is skipped from then on."""
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    def still_there(found: int, *, rows: int) -> bool:
        return found == rows

    @task(timeout=MINUTE, holds=still_there)
    def derive_spend(rows: int) -> int:
        done.append(rows)
        reads(ORDERS)
        writes(SPEND.model_copy(update={"rows": rows, "version": "v1"}))
        notes("currency", {"code": "EUR"})
        return rows

    @flow("UC0: Skipped")
    def skipping_pipeline() -> int:
        return derive_spend(5)

    return skipping_pipeline


def test_a_step_that_is_skipped_tells_what_it_told_when_it_ran(
    platform: Platform,
) -> None:
    done: list[int] = []
    run = skipping(done)

    run()
    first = told(platform, "skipping_pipeline.derive_spend")
    run()
    second = told(platform, "skipping_pipeline.derive_spend")

    assert done == [5]
    assert states(first) == states(second) == ["START", "COMPLETE"]
    assert first[1]["run"]["runId"] != second[1]["run"]["runId"]
    assert parent(first[1])[1] != parent(second[1])[1]
    for side in ("inputs", "outputs"):
        assert names(second[1], side) == names(first[1], side) != []
    assert second[1]["outputs"][0]["facets"]["version"]["datasetVersion"] == "v1"
    assert second[1]["run"]["facets"]["mlops_currency"]["code"] == "EUR"
    assert "mlops_skipped" in second[1]["run"]["facets"]
    assert "mlops_skipped" not in first[1]["run"]["facets"]

    folder = platform.settings.home / "prefect" / "lineage" / "derive_spend"
    [kept] = folder.iterdir()
    kept.write_text("torn", "utf-8")
    assert run() == 5
    third = told(platform, "skipping_pipeline.derive_spend")
    assert states(third) == ["START", "COMPLETE"]
    assert third[1]["outputs"] == []


def made_up(how: Callable[[], int], name: str) -> Callable[[], int]:
    """Return a flow with a step that ends as `how` does."""
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE, holds=lambda _, **__: True)
    def spend(_of: str) -> int:
        """Sum."""
        reads(ORDERS)
        writes(SPEND)
        return how()

    def pipeline() -> int:
        """Sum what each customer spent."""
        return spend(name)

    pipeline.__name__ = name
    return flow(f"UC0: {name}")(pipeline)


def broken() -> int:
    raise ContractError("an order has no customer")


def interrupted() -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("how", "end", "facet"),
    [
        (lambda: 1, "COMPLETE", "MlopsSkippedFacet"),
        (broken, "FAIL", "ErrorMessageRunFacet"),
        (interrupted, "ABORT", "ErrorMessageRunFacet"),
    ],
    ids=["skipped", "failed", "aborted"],
)
def test_however_a_run_ends_its_events_are_whole_and_as_the_specification_says(
    platform: Platform, how: Callable[[], int], end: str, facet: str
) -> None:
    specification, name = Specification(), f"pipeline_of_{end.lower()}"
    run = made_up(how, name)
    for _ in range(2):  # the second time, the step is skipped where it ended well
        with suppress(ContractError, KeyboardInterrupt):
            run()

    seen = set()
    for job in (name, f"{name}.spend"):
        events = told(platform, job)
        assert states(events) == ["START", end]
        for event in events:
            seen |= specification.check(event)
            facets = event["run"]["facets"]
            assert facets["processing_engine"]["version"] == prefect.__version__
            assert ("nominalTime" in facets) == (job == name)
            location = event["job"]["facets"]["sourceCodeLocation"]
            assert location["path"].endswith("test_run_lineage_ends.py")
            assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", location["version"])
    assert seen >= {facet, "NominalTimeRunFacet", "SourceCodeLocationJobFacet"}
