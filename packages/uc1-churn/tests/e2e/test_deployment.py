"""The deployment of `prefect.yaml`, run by a process worker."""

import os
import subprocess
import sys
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.orchestration.session import orchestrated
from uc1_churn.result import ChurnResult

PACKAGE = Path(__file__).parents[2]
TIMEOUT = 300


def prefect(*words: str, url: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *words],
        env={**os.environ, "PREFECT_API_URL": url, "PREFECT_WORKER_QUERY_SECONDS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_worker_runs_the_deployment_from_the_installed_package(
    platform: Platform, first: ChurnResult, tmp_path: Path
) -> None:
    from prefect.deployments import run_deployment

    assert first.model.version
    with orchestrated(platform) as url:
        prefect(
            "work-pool", "create", "local-pool", "-t", "process", url=url, folder=PACKAGE
        )
        prefect("deploy", "--all", url=url, folder=PACKAGE)
        submitted = run_deployment(
            "UC1: Churn Prediction Pipeline/churn-prediction-daily",
            parameters={"skip_training": True},
            timeout=0,
            as_subflow=False,
        )
        prefect(
            *("worker", "start", "--pool", "local-pool", "--type", "process", "--run-once"),
            url=url,
            folder=tmp_path,
        )
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            state = client.read_flow_run(submitted.id).state  # type: ignore[union-attr]

    assert state is not None
    assert state.is_completed(), state
