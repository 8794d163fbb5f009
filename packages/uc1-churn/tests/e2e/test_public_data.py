"""The whole pipeline on public data, from the file to the endpoint."""

from collections.abc import Callable
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.config import read_yaml
from mlops_common.postgres.loading import load_file
from uc1_churn.result import ChurnResult
from uc1_churn.use_case import USE_CASE

Run = Callable[..., ChurnResult]


def run_preset(platform: Platform, run: Run, file: Path, name: str) -> ChurnResult:
    key = "customer_id" if name == "mlc" else None
    load_file(platform.postgres, file, name, key=key, replace=True)
    return run(**read_yaml(USE_CASE.preset(name)))


def test_telco_goes_through_with_its_blank_charges(
    platform: Platform, run: Run, shared_data: Path
) -> None:
    file = shared_data / "churn/telco/Telco-Customer-Churn.csv.gz"

    result = run_preset(platform, run, file, "telco")

    assert result.dataset.rows == 7_043
    auc = result.metrics["roc_auc"]
    assert auc.low < 0.845 < auc.high
    assert result.model.name == "telco-churn"
    assert "telco-churn" in platform.serving.names()


def test_mlc_goes_through_without_a_key_of_its_own(
    platform: Platform, run: Run, shared_data: Path
) -> None:
    file = shared_data / "churn/mlc/mlc_churn.csv.gz"

    result = run_preset(platform, run, file, "mlc")

    assert result.dataset.rows == 5_000
    assert result.metrics["roc_auc"].value > 0.88
