"""What flows and steps tell of themselves, as the embedded store keeps it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import prefect
import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import BackendError, ContractError
from mlops_common.home import reset
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.naming import stored
from mlops_common.lineage.recording import declares, notes, reads, writes
from mlops_common.orchestration import telling
from mlops_common.orchestration.session import orchestrated, quiet
from mlops_common.processes import wait_until
from mlops_common.settings import Settings
from mlops_common.testing.lineage_specification import Specification

pytestmark = pytest.mark.filterwarnings(
    # Prefect's own client leaves what it opened to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::DeprecationWarning",
)
PATIENCE = 60.0  # seconds
ORDERS = Dataset(name=stored("/data/orders.csv"), rows=3)
SPEND = Dataset(name=stored("/data/spend.parquet"))
NEWEST = """
SELECT body FROM lineage.events
WHERE run_id = (
    SELECT run_id FROM lineage.events
    WHERE job_name = %s AND run_id IS NOT NULL ORDER BY id DESC LIMIT 1
)
ORDER BY event_time
"""
DECLARED = "SELECT body FROM lineage.events WHERE job_name = %s AND run_id IS NULL"
STATES = """
SELECT jobs.name, runs.state FROM lineage.runs JOIN lineage.jobs ON jobs.id = job_id
WHERE jobs.name LIKE %s
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A home of its own, with no Prefect profile of the user's."""
    home = tmp_path_factory.mktemp("home")
    platform = connect(Settings(home=home))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(home))
        patch.setenv("PREFECT_HOME", str(home / "profile"))
        patch.delenv("PREFECT_API_URL", raising=False)
        yield platform
    assert platform.lineage is not None
    platform.lineage.close(PATIENCE)
    reset(platform)


@pytest.fixture(scope="module", autouse=True)
def url(platform: Platform) -> Iterator[str]:
    quiet()
    with orchestrated(platform) as url:
        yield url


def rows(platform: Platform, query: str, job: str) -> list[tuple[Any, ...]]:
    assert platform.lineage is not None
    assert platform.lineage.flush(PATIENCE)
    with platform.lineage_store.connect() as connection:
        return connection.execute(query, (job,)).fetchall()


def told(platform: Platform, job: str) -> list[dict[str, Any]]:
    """Return the events of the newest run of a job."""
    return [body for (body,) in rows(platform, NEWEST, job)]


def states(events: list[dict[str, Any]]) -> list[str]:
    return [event["eventType"] for event in events]


def names(event: dict[str, Any], side: str) -> list[str]:
    return [dataset["name"] for dataset in event[side]]


def parent(event: dict[str, Any]) -> tuple[str, str, str]:
    """Return the job and run above, and the run above all."""
    facet = event["run"]["facets"]["parent"]
    return facet["job"]["name"], facet["run"]["runId"], facet["root"]["run"]["runId"]


def test_a_flow_and_its_steps_are_told_under_the_numbers_of_prefect(
    platform: Platform,
) -> None:
    from prefect.context import FlowRunContext, TaskRunContext

    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    numbers: list[UUID] = []

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

    assert spend_pipeline() == 2

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
    assert dict(rows(platform, STATES, "again_pipeline")) == {
        "again_pipeline": "COMPLETED"
    }


def test_a_step_that_is_skipped_tells_what_it_told_when_it_ran(
    platform: Platform,
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    done = []

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

    skipping_pipeline()
    first = told(platform, "skipping_pipeline.derive_spend")
    skipping_pipeline()
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
    assert skipping_pipeline() == 5
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
            assert location["path"].endswith("integration/test_told_lineage.py")
            assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", location["version"])
    assert seen >= {facet, "NominalTimeRunFacet", "SourceCodeLocationJobFacet"}


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


STOPPED = """
import sys, time
from pathlib import Path
from mlops_common.bootstrap import connect
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.naming import stored
from mlops_common.lineage.recording import reads
from mlops_common.orchestration.session import orchestrated

with orchestrated(connect()):
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=5 * MINUTE)
    def wait_long():
        reads(Dataset(name=stored("/data/orders.csv")))
        Path(sys.argv[2]).touch()
        time.sleep(300)

    def pipeline():
        wait_long()

    pipeline.__name__ = sys.argv[1]
    flow("UC0: " + sys.argv[1])(pipeline)()
"""


@contextmanager
def waiting(name: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process whose flow is in the middle of a step."""
    mark = folder / name
    words = [sys.executable, "-c", STOPPED, name, str(mark)]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        try:
            assert wait_until(mark.exists, PATIENCE)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_is_aborted_with_its_step(
    platform: Platform, tmp_path: Path, number: signal.Signals
) -> None:
    name = f"stopped_by_{number.name.lower()}"
    with waiting(name, tmp_path) as process:
        os.kill(process.pid, number)
        process.communicate(timeout=PATIENCE)

    assert process.returncode != 0
    for job in (name, f"{name}.wait_long"):
        # What another process said is told by either, by and by.
        assert wait_until(lambda: len(told(platform, job)) > 1, PATIENCE)  # noqa: B023
        events = told(platform, job)
        assert states(events) == ["START", "ABORT"]
        message = events[1]["run"]["facets"]["errorMessage"]["message"]
        assert message.startswith("stopped by ")
    assert names(events[1], "inputs") == ["/data/orders.csv"]


def test_a_run_that_was_killed_is_aborted_later_and_one_that_lives_is_not(
    platform: Platform, tmp_path: Path
) -> None:
    from mlops_common.orchestration.lost_lineage import end_lost

    now = timedelta()
    with waiting("living", tmp_path), waiting("killed", tmp_path) as killed:
        killed.kill()
        killed.communicate(timeout=PATIENCE)
        both = {"killed": "RUNNING", "killed.wait_long": "RUNNING"}
        assert wait_until(
            lambda: dict(rows(platform, STATES, "killed%")) == both, PATIENCE
        )
        assert end_lost(platform) == ()

        ended = end_lost(platform, now)

        after = dict(rows(platform, STATES, "killed%"))
        assert after == {"killed": "ABORTED", "killed.wait_long": "ABORTED"}
        [_, end] = told(platform, "killed")
        assert ended[0] == end["run"]["runId"]
        assert end_lost(platform, now) == ()
        assert {*dict(rows(platform, STATES, "living%")).values()} == {"RUNNING"}


MOVED = """
UPDATE lineage.run_facets SET facet = jsonb_set(facet, %s, to_jsonb(%s::text))
WHERE name = 'mlops_process'
    AND run_id = (SELECT run_id FROM lineage.events WHERE job_name = %s LIMIT 1)
"""


@pytest.mark.parametrize("key", ["host", "home"])
def test_a_silent_run_of_another_machine_or_home_is_left_alone(
    platform: Platform, tmp_path: Path, key: str
) -> None:
    from mlops_common.orchestration.lost_lineage import end_lost

    name = f"another_{key}"
    with waiting(name, tmp_path) as killed:
        killed.kill()
        killed.communicate(timeout=PATIENCE)
    both = {name: "RUNNING", f"{name}.wait_long": "RUNNING"}
    assert wait_until(
        lambda: dict(rows(platform, STATES, f"{name}%")) == both, PATIENCE
    )
    with platform.lineage_store.connect() as connection:
        connection.execute(MOVED, ([key], "elsewhere", name))

    end_lost(platform, timedelta())

    assert dict(rows(platform, STATES, f"{name}%")) == both
