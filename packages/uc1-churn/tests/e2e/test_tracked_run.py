"""What MLflow keeps of a run, and what is deployed only if it answers as offline."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import RefusedError
from mlops_common.orchestration.server.session import orchestrated
from uc1_churn.bootstrap import feature_store
from uc1_churn.config import CUSTOMERS, ServingParams, TrainingParams
from uc1_churn.features.schema import FeatureTable
from uc1_churn.refs import FeaturesRef
from uc1_churn.result import ChurnResult
from uc1_churn.serving import deployment
from uc1_churn.serving.predictor import MODEL_FILE
from uc1_churn.training.fitting import fit

METRICS = (
    "roc_auc",
    "pr_auc",
    "brier",
    "log_loss",
    "calibration_error",
    "profit",
)
PICTURES = ("roc", "precision_recall", "reliability", "profit", "importance")


@pytest.fixture(scope="module")
def features(platform: Platform, first: ChurnResult) -> FeaturesRef:
    """The features of the dataset that the first run made."""
    from uc1_churn.tasks.feature_engineering import materialize_feast_features

    with orchestrated(platform):
        return materialize_feast_features(first.dataset, CUSTOMERS)


def test_the_run_keeps_every_metric_with_its_interval(
    platform: Platform, first: ChurnResult
) -> None:
    logged: Any = platform.tracking._connection.client.get_run(first.model.run_id).data

    for name in METRICS:
        low, value, high = (
            logged.metrics[f"{name}{end}"] for end in ("_low", "", "_high")
        )
        assert low <= value <= high
        assert low < high
        assert value == first.metrics[name].value
    assert "threshold" in logged.metrics
    assert logged.params["training.bootstrap_replicates"] == "100"
    assert logged.params["split"] == "time"
    assert logged.tags["dataset"] == first.dataset.revision


def test_the_run_keeps_the_pictures_and_the_model_its_signature(
    platform: Platform, first: ChurnResult
) -> None:
    from mlflow.models import Model

    for name in PICTURES:
        picture = platform.tracking.read(first.model.run_id, f"plots/{name}.png")
        assert picture.startswith(b"\x89PNG")
    folder = platform.tracking.download(first.model)
    model: Any = Model.load(str(folder))
    inputs = {*(CUSTOMERS.numeric or ()), *(CUSTOMERS.categorical or ())}
    assert set(model.signature.inputs.input_names()) == inputs
    assert set(model.load_input_example(str(folder)).columns) == inputs


def test_probabilities_that_differ_online_stop_the_deploy(
    platform: Platform, first: ChurnResult, features: FeaturesRef, tmp_path: Path
) -> None:
    """The endpoint serves one model; the offline one is another."""
    import skops.io

    rows = pq.read_table(platform.datasets.path(features.training_set))
    other = TrainingParams(trees=1, leaves=2, threads=1, bootstrap_replicates=100)
    model = fit(rows, CUSTOMERS.entity, other).pipeline
    skops.io.dump(model, tmp_path / MODEL_FILE)
    table = FeatureTable(
        columns=features.columns, path=platform.datasets.path(features.table)
    )
    store, params = feature_store(platform), ServingParams()

    with pytest.raises(RefusedError, match="'probability'") as caught:
        deployment.check(first.endpoint, tmp_path, table, store, params)

    assert caught.value.evidence["column"] == "probability"
    serving = platform.serving.endpoint(first.endpoint.name)
    folder = platform.tracking.download(serving.model)
    equal, served = deployment.check(serving, folder, table, store, params)
    assert equal.customers == served.customers == params.parity_sample
