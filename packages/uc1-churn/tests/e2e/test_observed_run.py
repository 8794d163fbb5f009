"""What a run shows in Prefect, and what a rerun of a failed one skips."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import MlopsError, RefusedError
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.processes import wait_until
from mlops_common.simulation import write_company
from uc1_churn.config import CUSTOMERS
from uc1_churn.result import ChurnResult
from uc1_churn.testing.effects import documented, materialized

NAME, MODEL = "observed", "observed-churn"
SPEC = CUSTOMERS.model_copy(update={"name": NAME, "table": NAME})
FLOW = "uc1_churn.flows.churn_pipeline.churn_prediction_pipeline"
TITLE = "UC1: Churn Prediction Pipeline"
PATIENCE = 120.0  # seconds
TIMEOUT = 600.0  # seconds
SKIPPED = (
    "validate_with_great_expectations",
    "materialize_feast_features",
    "trigger_kubeflow_training",
)
Run = Callable[..., ChurnResult]


def values(**gate: float) -> dict[str, Any]:
    limits = {"tolerance": 1, "max_calibration_error": 1, **gate}
    training = {"trees": 50, "bootstrap_replicates": 100}
    dataset = SPEC.model_dump(mode="json")
    return {
        "dataset": dataset,
        "model_name": MODEL,
        "training": training,
        "gate": limits,
    }


@dataclass(frozen=True)
class Effects:
    """What the steps of all runs left: equal where none of them ran again."""

    docs: int
    revisions: tuple[str, ...]
    materialized: str
    runs: int
    versions: int


def effects(platform: Platform) -> Effects:
    client: Any = platform.tracking._connection.client
    experiment = client.get_experiment_by_name(MODEL)
    newest = platform.tracking.find(MODEL, {})
    return Effects(
        docs=documented(platform, NAME),
        revisions=tuple(platform.datasets.revisions(NAME)),
        materialized=materialized(platform, NAME),
        runs=len(client.search_runs([experiment.experiment_id])),
        versions=newest.version if newest else 0,
    )


class Recorded:
    """What the API knows of the newest run of the flow."""

    def __init__(self) -> None:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas import filters, sorting

        named = filters.FlowFilter(name=filters.FlowFilterName(any_=[TITLE]))
        order = sorting.FlowRunSort.START_TIME_DESC
        with get_client(sync_client=True) as client:
            [run] = client.read_flow_runs(flow_filter=named, sort=order, limit=1)
            only = filters.FlowRunFilter(id=filters.FlowRunFilterId(any_=[run.id]))
            artifacts = client.read_artifacts(flow_run_filter=only)
            steps = client.read_task_runs(flow_run_filter=only)
            lines = client.read_logs(
                filters.LogFilter(flow_run_id=filters.LogFilterFlowRunId(any_=[run.id]))
            )
        self.name = run.name
        self.artifacts: dict[str, Any] = {a.key: a.data for a in artifacts if a.key}
        self.steps = {step.name[:-4]: step.state_name for step in steps}
        self.lines = [(line.name, line.level, line.message) for line in lines]


def recorded(step: str) -> Recorded:
    """Wait until the API knows how a step ended: it is told by and by."""
    found: list[Recorded] = []

    def arrived() -> bool:
        found[:] = [Recorded()]
        return found[0].steps.get(step) in {"Completed", "Failed", "Cached"}

    assert wait_until(arrived, PATIENCE), vars(found[0])
    return found[0]


@pytest.fixture(scope="module", autouse=True)
def source(platform: Platform, first: ChurnResult) -> Iterator[None]:
    """A table of its own, and the recording of runs."""
    assert first.model.name != MODEL
    end = datetime.now(UTC).date().replace(day=1)
    write_company(
        platform.postgres, seed=13, customers=600, months=4, end=end, table=NAME
    )
    with orchestrated(platform):
        yield
    if MODEL in platform.serving.names():
        platform.serving.stop(MODEL)


@pytest.fixture(scope="module")
def failed(platform: Platform, run: Run) -> Effects:
    """A run that failed in its deploy, and what it left."""
    blocked = platform.settings.home / "serving" / MODEL
    blocked.write_text("no folder can be made here", "utf-8")
    try:
        with pytest.raises(MlopsError):
            run(**values())
    finally:
        blocked.unlink()
    return effects(platform)


def test_a_run_that_failed_late_tells_where_and_what_to_do(failed: Effects) -> None:
    assert failed.versions == failed.runs == 1

    found = recorded("trigger_kubeflow_training")

    assert found.name.startswith(f"{MODEL} v1 · data ")
    page = found.artifacts["uc1-churn-prediction-pipeline-failure"]
    assert page.startswith("# ")
    assert "in step deploy_to_kserve" in page
    assert "**What to do.**" in page


@pytest.fixture(scope="module")
def resumed(failed: Effects, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The rerun, in a process that a worker would start."""
    from prefect.client.orchestration import get_client

    assert failed.versions
    with get_client(sync_client=True) as client:
        flow = client.read_flow_by_name(TITLE)
        deployment = client.create_deployment(
            flow_id=flow.id, name="as a worker does", entrypoint=FLOW, pull_steps=[]
        )
        parameters = {"params": values()}
        run = client.create_flow_run_from_deployment(deployment, parameters=parameters)
    from prefect.settings import PREFECT_API_URL

    words = ["-m", "prefect", "flow-run", "execute", str(run.id)]

    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())},
        cwd=tmp_path_factory.mktemp("worker"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return recorded("report_deployment")


def test_its_rerun_skips_the_steps_that_ended(
    platform: Platform, failed: Effects, resumed: Recorded
) -> None:
    assert effects(platform) == failed
    assert {resumed.steps[name] for name in SKIPPED} == {"Cached"}
    assert resumed.steps["extract_from_postgres"] == "Completed"
    assert resumed.steps["judge_challenger"] == "Completed"
    assert platform.serving.endpoint(MODEL).model.version == 1


def test_a_run_links_to_all_that_it_left(platform: Platform, resumed: Recorded) -> None:
    newest = max(
        pq.read_table(platform.datasets.path(platform.datasets.revision(NAME)))[
            "observed_at"
        ].to_pylist()
    )
    assert resumed.name == f"{MODEL} v1 · data {newest.date()}"
    page = resumed.artifacts[f"{MODEL}-summary"]
    model = platform.tracking.version(MODEL, 1)
    report = platform.settings.home / "reports" / f"{MODEL}-v1.html"
    endpoint = platform.serving.endpoint(MODEL)
    for link in (report.as_uri(), endpoint.infer_url, model.run_id, "/validation/"):
        assert link in page
    assert "promoted" in page
    rows = json.loads(resumed.artifacts[f"{MODEL}-metrics"])
    assert {row["metric"] for row in rows} > {"ROC AUC", "Profit"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_lines_of_plain_modules_reach_the_log_of_a_run_in_a_worker(
    resumed: Recorded,
) -> None:
    said = [
        (level, message)
        for name, level, message in resumed.lines
        if name.startswith("mlops_common.")
    ]

    assert (logging.INFO, f"{SKIPPED[0]} is skipped: it was done, and holds") in said
    # The limit of a step works only in the main thread.
    assert not any("worker thread" in message for _, _, message in resumed.lines)


def test_another_gate_trains_again_and_its_refusal_is_shown(
    platform: Platform, failed: Effects, resumed: Recorded, run: Run
) -> None:
    assert resumed.steps
    with pytest.raises(RefusedError):
        run(**values(min_roc_auc=0.999))

    now = effects(platform)
    assert (now.docs, now.materialized) == (failed.docs, failed.materialized)
    assert (now.runs, now.versions) == (2, 2)
    found = recorded("report_refusal")
    assert found.steps[SKIPPED[0]] == found.steps[SKIPPED[1]] == "Cached"
    assert found.steps[SKIPPED[2]] == "Completed"
    assert "refused" in found.artifacts[f"{MODEL}-summary"]
    assert f"{MODEL}-metrics" in found.artifacts
    page = found.artifacts["uc1-churn-prediction-pipeline-failure"]
    assert page.startswith("# RefusedError")
    assert "| ROC AUC, limit | 0.999 |" in page
