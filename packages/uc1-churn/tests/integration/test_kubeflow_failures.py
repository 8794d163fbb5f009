"""What is told of a training that failed on Kubeflow."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from mlops_common.errors import BackendError, ConfigError
from mlops_common.processes import wait_until
from mlops_common.sections import PostgresSettings
from mlops_common.testing.marks import MLFLOW
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_pods import Pods
from uc1_churn.testing.kubeflow_run import DoubleRun, PodError
from uc1_churn.testing.kubeflow_training import REQUEST, SOON, TOKEN, only_run, training
from uc1_churn.training_backend.kubeflow.waiting import WITHOUT_SECRET

pytestmark = MLFLOW


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
