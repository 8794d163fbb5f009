"""Flows that are named, followed, resumed and explained, at a Prefect server."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ContractError, RefusedError
from mlops_common.logger import get_logger
from mlops_common.processes import wait_until
from mlops_common.progress import step
from mlops_common.refs import DatasetRef
from mlops_common.testing.marks import PREFECT_CLIENT

pytestmark = [*PREFECT_CLIENT, pytest.mark.usefixtures("platform")]
PATIENCE = 60.0  # seconds
log = get_logger("mlops_common.observed")


@dataclass
class Recorded:
    """What the API knows of a flow run.

    Attributes:
        name: Of the run.
        artifacts: Data by key.
        steps: State by step.
        lines: Logger, level and message of each line of the log.
    """

    name: str
    artifacts: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, int, str]] = field(default_factory=list)


def recorded(flow_name: str, until: Callable[[Recorded], bool]) -> Recorded:
    """Return what is recorded of the newest run of a flow; it arrives by and by.

    Args:
        flow_name: Name of the flow.
        until: Whether all has arrived that the test waits for.
    """
    found: list[Recorded] = []

    def arrived() -> bool:
        found[:] = [_read(flow_name)]
        return until(found[0])

    assert wait_until(arrived, PATIENCE), vars(found[0])
    return found[0]


def _read(flow_name: str) -> Recorded:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters, sorting

    with get_client(sync_client=True) as client:
        [run] = client.read_flow_runs(
            flow_filter=filters.FlowFilter(
                name=filters.FlowFilterName(any_=[flow_name])
            ),
            sort=sorting.FlowRunSort.START_TIME_DESC,
            limit=1,
        )
        only = filters.FlowRunFilterId(any_=[run.id])
        chosen = filters.FlowRunFilter(id=only)
        artifacts = client.read_artifacts(flow_run_filter=chosen)
        steps = client.read_task_runs(flow_run_filter=chosen)
        lines = client.read_logs(
            filters.LogFilter(flow_run_id=filters.LogFilterFlowRunId(any_=[run.id]))
        )
    return Recorded(
        name=run.name,
        artifacts={a.key: a.data for a in artifacts if a.key},
        steps={s.name[:-4]: s.state_name or "" for s in steps},
        lines=[(line.name, line.level, line.message) for line in lines],
    )


def test_a_run_shows_its_name_pages_progress_and_the_log_of_plain_modules() -> None:
    from mlops_common.orchestration import artifacts
    from mlops_common.orchestration.flows import flow, name_run
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def work() -> None:
        log.info("a plain line")
        log.warning("a plain warning")
        log.debug("a line for nobody")
        with step("Count", total=4) as advance:
            for _ in range(4):
                # As long as it takes to be worth a bar.
                time.sleep(0.7)
                advance(1)
        artifacts.table("Model v1 metrics", [{"auc": 0.5, "gain": float("nan")}])

    @flow("UC0: Observed")
    def pipeline() -> str:
        work()
        artifacts.markdown("UC0 summary", "at http://ann:hunter2@example.org/")
        artifacts.markdown("broken", "a byte that is no text: \udcff")
        name_run("model v7 · data 2026-11-24")
        return "done"

    assert pipeline() == "done"

    # What a server was told in its first seconds of the tasks may be lost.
    found = recorded(
        "UC0: Observed",
        lambda run: any(line.startswith("cannot write") for _, _, line in run.lines),
    )
    assert found.name == "model v7 · data 2026-11-24"
    assert found.artifacts["uc0-summary"] == "at http://ann:***@example.org/"
    metrics = json.loads(found.artifacts["model-v1-metrics"])
    assert metrics == [{"auc": 0.5, "gain": None}]
    assert found.artifacts["work-progress"] == 100
    said = {message: level for name, level, message in found.lines if name == log.name}
    assert said == {"a plain line": 20, "a plain warning": 30}
    assert "broken" not in found.artifacts


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ContractError("rows at http://ann:hunter2@host"), "cannot help"),
        (RefusedError("worse", {"auc": 0.25}), "| auc | 0.25 |"),
        (KeyError("a mistake of ours"), "mistake in the pipeline"),
    ],
    ids=["contract", "refused", "mistake"],
)
def test_a_failed_run_tells_the_step_the_error_and_what_to_do(
    error: Exception, remedy: str
) -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=MINUTE)
    def break_down() -> None:
        raise error

    @flow(f"UC0: Broken by {type(error).__name__}")
    def pipeline() -> None:
        break_down()

    with pytest.raises(type(error)):
        pipeline()

    found = recorded(pipeline.name, lambda run: bool(run.lines))
    [page] = found.artifacts.values()
    kind = type(error).__name__
    assert page.startswith(f"# {kind} in step break_down")
    assert remedy in page
    assert "hunter2" not in page
    found = recorded(
        pipeline.name,
        lambda run: any(line.startswith(f"{kind} in step") for _, _, line in run.lines),
    )
    assert found.steps.get("break_down", "Failed") == "Failed"


def test_a_step_that_takes_too_long_is_stopped_with_its_child() -> None:
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import task

    children = []

    @task(timeout=1)
    def hang() -> None:
        words = [sys.executable, "-c", "import time; time.sleep(600)"]
        with subprocess.Popen(words) as child:
            children.append(child)
            try:
                child.wait()
            finally:
                child.kill()

    @flow("UC0: Late")
    def pipeline() -> None:
        hang()

    with pytest.raises(BackendError, match="step 'hang' did not end within 1 s"):
        pipeline()

    [child] = children
    assert child.returncode is not None
    found = recorded("UC0: Late", lambda run: "hang" in run.steps)
    assert found.steps["hang"] == "TimedOut"
    [page] = found.artifacts.values()
    assert page.startswith("# BackendError in step hang")


class Resumable:
    """A flow whose first step may be skipped, and whose second one fails at first.

    Attributes:
        done: What its steps did.
        there: Names whose result holds.
        run: Runs it.
    """

    def __init__(self, title: str) -> None:
        from mlops_common.orchestration.flows import flow
        from mlops_common.orchestration.tasks import MINUTE, task

        self.done: list[str] = []
        self.there: set[str] = set()
        outages = [ContractError("serving is down")]

        def still_there(found: DatasetRef, *, ref: DatasetRef, rows: int) -> bool:
            assert found.rows == rows
            assert ref.name == found.name
            return found.name in self.there

        @task(timeout=MINUTE, holds=still_there)
        def derive(ref: DatasetRef, rows: int) -> DatasetRef:
            self.done.append(ref.name)
            self.there.add(ref.name)
            return ref.model_copy(update={"rows": rows})

        @task(timeout=MINUTE)
        def serve() -> None:
            self.done.append("serve")
            if outages:
                raise outages.pop()

        @flow(title)
        def pipeline(name: str, rows: int = 1) -> DatasetRef:
            result = derive(DatasetRef(name=name, key="k", digest="d", rows=0), rows)
            serve()
            return result

        self.run: Callable[..., DatasetRef] = pipeline


def kept(platform: Platform) -> set[Path]:
    """Return the files that hold results of the first step."""
    files = (platform.settings.home / "prefect" / "results").rglob("*.json")
    return {file for file in files if file.parent.name == "derive"}


def test_a_finished_step_is_skipped_while_its_inputs_are_the_same(
    platform: Platform,
) -> None:
    flow, before = Resumable("UC0: Resumed"), kept(platform)

    with pytest.raises(ContractError):
        flow.run("a")
    assert flow.run("a").rows == 1
    assert flow.done == ["a", "serve", "serve"]
    found = recorded("UC0: Resumed", lambda run: "derive" in run.steps)
    assert found.steps["derive"] == "Cached"
    [file] = kept(platform) - before
    result = json.loads(json.loads(file.read_text("utf-8"))["result"])
    assert result["data"]["rows"] == 1

    flow.done.clear()
    flow.run("b")
    assert flow.run("a", rows=2).rows == 2
    assert flow.done == ["b", "serve", "a", "serve"]


def test_a_finished_step_runs_again_where_its_result_is_gone_or_torn(
    platform: Platform,
) -> None:
    flow, before = Resumable("UC0: Gone"), kept(platform)
    with pytest.raises(ContractError):
        flow.run("c")
    [file] = kept(platform) - before
    flow.done.clear()

    flow.there.discard("c")
    flow.run("c")
    file.write_text("torn", "utf-8")
    flow.run("c")
    flow.run("c")

    assert flow.done == ["c", "serve", "c", "serve", "serve"]
