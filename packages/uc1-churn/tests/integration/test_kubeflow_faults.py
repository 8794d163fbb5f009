import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pydantic import SecretStr

from mlops_common.bootstrap import connect
from mlops_common.errors import BackendError, ConfigError, NotFoundError
from mlops_common.processes import wait_until
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.sections import KubeflowSettings, PostgresSettings
from mlops_common.settings import Settings
from mlops_common.testing.marks import MLFLOW
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_pods import Pods
from uc1_churn.testing.kubeflow_run import DoubleRun, PodError
from uc1_churn.testing.training import PARAMS
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingRequest
from uc1_churn.training_backend.kubeflow.api import KubeflowApi
from uc1_churn.training_backend.kubeflow.patience import Pace
from uc1_churn.training_backend.kubeflow.training import KubeflowTraining
from uc1_churn.training_backend.kubeflow.waiting import WITHOUT_SECRET

pytestmark = MLFLOW

PACE = Pace(first=0.05, most=0.3)
SOON = 60.0  # seconds
OUTAGE = 20.0  # seconds
TOKEN = "first-token"  # noqa: S105 - of the double
MODEL = ModelRef(name="churn-predictor", version=1, run_id="r", uri="u", digest="d")
TABLE = DatasetRef(name="d", key="k", digest="d", rows=1)
REQUEST = TrainingRequest(dataset=TABLE, params=PARAMS, run_key="monday")


class Script:
    """A workload that waits for the test, then leaves a model."""

    def __init__(self, objects_home: Path) -> None:
        self.objects = connect(Settings(home=objects_home)).objects
        self.go = threading.Event()
        self.started = threading.Event()

    def __call__(self, run: DoubleRun) -> None:
        self.started.set()
        while not self.go.wait(0.02):
            if run.cancelled.is_set():
                return
        outcome.keep(self.objects, run.name, MODEL)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


@pytest.fixture
def double(script: Script) -> Iterator[KubeflowDouble]:
    with KubeflowDouble(script, token=TOKEN) as running:
        yield running


def training(
    double: KubeflowDouble,
    home: Path,
    settle: float = 0.0,
    pace: Pace = PACE,
    postgres: PostgresSettings | None = None,
    **values: Any,
) -> KubeflowTraining:
    login = {} if "token_file" in values else {"token": SecretStr(TOKEN)}
    settings = Settings(
        home=home,
        postgres=postgres or PostgresSettings(),
        kubeflow=KubeflowSettings(host=double.url, **{**login, **values}),
    )
    platform = connect(settings)
    return KubeflowTraining(platform, pace, settle)


@contextlib.contextmanager
def under_way(
    backend: KubeflowTraining, double: KubeflowDouble
) -> Iterator[Callable[[], ModelRef]]:
    """Train in a thread; yield, once the run is running, what awaits the result."""
    with ThreadPoolExecutor() as pool:
        future = pool.submit(backend.train, REQUEST)
        wait_until(lambda: future.done() or is_running(double), SOON)
        yield lambda: future.result(SOON)


def is_running(double: KubeflowDouble) -> bool:
    return any(run.state == "RUNNING" for run in double.runs.values())


def only_run(double: KubeflowDouble) -> DoubleRun:
    (run,) = double.runs.values()
    return run


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


def test_a_wrong_token_is_told_at_once(double: KubeflowDouble, tmp_path: Path) -> None:
    backend = training(double, tmp_path, token=SecretStr("wr0ng"))

    with pytest.raises(ConfigError, match=r"kubeflow\.token_file") as caught:
        backend.train(REQUEST)

    assert "wr0ng" not in str(caught.value)
    assert not double.runs


def test_a_token_that_expires_is_told_and_the_run_goes_on(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    with under_way(training(double, tmp_path), double) as result:
        double.token = "second"  # noqa: S105 - of the double

        with pytest.raises(ConfigError, match="does not know us"):
            result()
    assert only_run(double).state == "RUNNING"
    script.go.set()
    renewed = training(double, tmp_path, token=SecretStr("second"))

    assert renewed.train(REQUEST) == MODEL
    assert len(double.runs) == 1


def test_a_token_file_is_read_anew(
    double: KubeflowDouble, script: Script, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN, "utf-8")
    with under_way(training(double, tmp_path, token_file=file), double) as result:
        with double.stopped():
            file.write_text("second", "utf-8")
            double.token = "second"  # noqa: S105 - of the double
        script.go.set()

        assert result() == MODEL


def test_in_a_pod_the_token_of_its_account_is_used(
    double: KubeflowDouble,
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "pod-token").write_text(f"{TOKEN}\n", "utf-8")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "pod-token"))
    script.go.set()

    assert training(double, tmp_path, token=None).train(REQUEST) == MODEL


def test_certificates_that_are_not_there_name_the_setting(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    backend = training(double, tmp_path, ca_file=tmp_path / "ca.pem")

    with pytest.raises(ConfigError, match=r"kubeflow\.ca_file .*ca\.pem is no file"):
        backend.train(REQUEST)


def test_a_failure_names_the_component_and_the_end_of_its_log(tmp_path: Path) -> None:
    def fail(run: DoubleRun) -> None:
        run.task("fit-model").state = "SUCCEEDED"
        component, pod = run.task("register-model"), run.task("executor")
        component.state = pod.state = "FAILED"
        pod.said = "OOMKilled (exit code 137)"
        run.logs[pod.pod] = "\n".join(f"line {number}" for number in range(99))
        raise PodError("the run failed")

    with (
        KubeflowDouble(fail, token=TOKEN) as double,
        pytest.raises(BackendError, match="component register-model") as caught,
    ):
        training(double, tmp_path).train(REQUEST)

    said = str(caught.value)
    assert "OOMKilled" in said
    assert said.endswith("line 98")
    assert "line 1\n" not in said


def test_a_failure_without_a_log_is_told_all_the_same(tmp_path: Path) -> None:
    def fail(_run: DoubleRun) -> None:
        raise PodError("the quota of the namespace is used up")

    with (
        KubeflowDouble(fail, token=TOKEN) as double,
        pytest.raises(BackendError, match=r"quota .*\n.*no log"),
    ):
        training(double, tmp_path).train(REQUEST)


def test_pods_without_their_secret_are_told_with_the_command_that_makes_it(
    tmp_path: Path,
) -> None:
    postgres = PostgresSettings(password=SecretStr("s3cret"))
    pods = Pods(tmp_path / "pods", secrets={"mlops-environment": {}})
    with KubeflowDouble(pods, token=TOKEN) as double:
        backend = training(double, tmp_path, postgres=postgres, namespace="models")
        assert "steps need the Secret mlops-environment" in backend.health().facts

        with pytest.raises(ConfigError, match=WITHOUT_SECRET) as caught:
            backend.train(REQUEST)

        assert wait_until(lambda: only_run(double).state == "CANCELED", SOON)
    said = str(caught.value)
    assert "keys MLOPS_POSTGRES__PASSWORD:" in said
    assert "kubectl -n models create secret generic mlops-environment" in said
    assert "s3cret" not in said


def test_a_server_that_fails_a_run_for_want_of_its_secret_is_understood(
    tmp_path: Path,
) -> None:
    def fail(_run: DoubleRun) -> None:
        raise PodError(f'{WITHOUT_SECRET}: secret "mlops-environment" not found')

    with (
        KubeflowDouble(fail, token=TOKEN) as double,
        pytest.raises(ConfigError, match="kubectl -n kubeflow create secret"),
    ):
        training(double, tmp_path).train(REQUEST)


def test_a_success_that_left_no_model_is_no_success(tmp_path: Path) -> None:
    def nothing(_run: DoubleRun) -> None:
        """Do no work."""

    with (
        KubeflowDouble(nothing, token=TOKEN) as double,
        pytest.raises(BackendError, match="left no model in file://"),
    ):
        training(double, tmp_path).train(REQUEST)


def test_a_run_that_somebody_deletes_is_told(
    double: KubeflowDouble, tmp_path: Path
) -> None:
    with under_way(training(double, tmp_path), double) as result:
        run = double.runs.pop(only_run(double).id)

        with pytest.raises(BackendError, match="was deleted"):
            result()
    run.cancelled.set()


def test_a_server_that_is_none_of_kubeflow_names_the_setting(
    double: KubeflowDouble,
) -> None:
    settings = KubeflowSettings(host=f"{double.url}/elsewhere", token=SecretStr(TOKEN))

    with pytest.raises(NotFoundError, match=r"check kubeflow\.host"):
        KubeflowApi(settings, PACE).described()
