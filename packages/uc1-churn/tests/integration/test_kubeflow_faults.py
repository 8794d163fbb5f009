"""Kubeflow away, interrupted, late, or asked twice."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest
from pydantic import SecretStr

from mlops_common.errors import BackendError
from mlops_common.processes import wait_until
from mlops_common.sections import KubeflowSettings
from mlops_common.testing.marks import MLFLOW
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_run import DoubleRun
from uc1_churn.testing.kubeflow_training import (
    MODEL,
    PACE,
    REQUEST,
    SOON,
    TOKEN,
    Script,
    only_run,
    training,
    under_way,
)
from uc1_churn.training_backend.kubeflow.api import KubeflowApi
from uc1_churn.training_backend.kubeflow.patience import Pace

pytestmark = MLFLOW

OUTAGE = 20.0  # seconds


def test_a_server_that_does_not_answer_for_a_while_is_waited_for(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    double.failing, double.cutting = 4, 2
    with under_way(training(double, tmp_path), double) as result:
        double.failing, double.cutting = 3, 3
        script.go.set()

        assert result() == MODEL

    assert (double.failing, double.cutting) == (0, 0)
    assert only_run(double).state == "SUCCEEDED"


@pytest.mark.cluster
def test_a_run_survives_503_for_twenty_seconds_in_the_middle_of_a_wait(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    """By the clock, and with the pauses that a user has."""
    with under_way(training(double, tmp_path, pace=Pace()), double) as result:
        with double.unavailable():
            script.go.set()
            time.sleep(OUTAGE)
            refused = sys.maxsize - double.failing

        assert result() == MODEL

    assert refused > 1
    assert only_run(double).state == "SUCCEEDED"


def test_a_submission_whose_answer_is_lost_is_found_and_not_repeated(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    double.losing = 1
    script.go.set()

    # The run may end before it is looked for; it then left its model.
    assert training(double, tmp_path).train(REQUEST) == MODEL

    assert double.losing == 0


def test_a_run_outlives_a_restart_of_the_api_server(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    with under_way(training(double, tmp_path), double) as result:
        with double.stopped():
            script.go.set()
            assert wait_until(lambda: only_run(double).state == "SUCCEEDED", SOON)

        assert result() == MODEL


def test_a_server_that_stays_away_is_told_and_the_run_goes_on(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    with under_way(training(double, tmp_path, patience=0.5), double) as result:
        with (
            double.stopped(),
            pytest.raises(BackendError, match=r"[Cc]onnection"),
        ):
            result()
        assert only_run(double).state == "RUNNING"
    script.go.set()

    assert training(double, tmp_path).train(REQUEST) == MODEL
    assert only_run(double).state == "SUCCEEDED"


def test_a_run_that_is_cancelled_on_the_server_is_told(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    settings = KubeflowSettings(host=double.url, token=SecretStr(TOKEN))
    with under_way(training(double, tmp_path), double) as result:
        KubeflowApi(settings, PACE).terminate(only_run(double).id)

        with pytest.raises(BackendError, match="was cancelled before it registered"):
            result()

    KubeflowApi(settings, PACE).terminate(only_run(double).id)


class Terminated(BaseException):
    """What a signal becomes where an orchestrator catches it."""


def end(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)],
)
def test_an_interruption_of_this_process_cancels_the_run(
    tmp_path: Path, number: signal.Signals, kind: type[BaseException]
) -> None:
    def interrupt(run: DoubleRun) -> None:
        os.kill(os.getpid(), number)
        run.cancelled.wait(SOON)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with KubeflowDouble(interrupt, token=TOKEN) as double:
            with pytest.raises(kind):
                training(double, tmp_path).train(REQUEST)
            assert wait_until(lambda: only_run(double).state == "CANCELED", SOON)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_run_that_takes_too_long_is_cancelled(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    with pytest.raises(BackendError, match=r"within 1 s \(RUNNING: no component"):
        training(double, tmp_path, timeout=0.6).train(REQUEST)

    assert wait_until(lambda: only_run(double).state == "CANCELED", SOON)


def test_of_two_submissions_at_once_the_younger_is_cancelled(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    double.together = threading.Barrier(2)
    backends = [training(double, tmp_path, settle=0.5) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(backend.train, REQUEST) for backend in backends]

        def states() -> list[str]:
            return sorted(run.state for run in [*double.runs.values()])

        assert wait_until(lambda: states() == ["CANCELED", "RUNNING"], SOON)
        script.go.set()

        assert [future.result(SOON) for future in futures] == [MODEL, MODEL]
    assert states() == ["CANCELED", "SUCCEEDED"]


def test_a_run_that_somebody_deletes_is_told(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    with under_way(training(double, tmp_path), double) as result:
        run = double.runs.pop(only_run(double).id)

        with pytest.raises(BackendError, match="was deleted"):
            result()
    run.cancelled.set()
