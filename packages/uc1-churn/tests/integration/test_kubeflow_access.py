"""Whether Kubeflow admits us, and what is told where it does not."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.sections import KubeflowSettings
from mlops_common.testing.marks import MLFLOW
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_training import (
    MODEL,
    PACE,
    REQUEST,
    TOKEN,
    Script,
    only_run,
    training,
    under_way,
)
from uc1_churn.training_backend.kubeflow.api import KubeflowApi

pytestmark = MLFLOW


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


def test_a_server_that_is_none_of_kubeflow_names_the_setting(
    double: KubeflowDouble,
) -> None:
    settings = KubeflowSettings(host=f"{double.url}/elsewhere", token=SecretStr(TOKEN))

    with pytest.raises(NotFoundError, match=r"check kubeflow\.host"):
        KubeflowApi(settings, PACE).described()
