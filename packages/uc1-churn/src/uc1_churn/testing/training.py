"""The contract of every `TrainingBackend`, and a table to train on."""

from contextlib import AbstractContextManager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ContractError, NotFoundError
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.serving.artifact import verified
from uc1_churn.config import ChurnParams, DatasetSpec, TrainingParams
from uc1_churn.evaluation.holdout import Evaluation
from uc1_churn.evaluation.log import EVALUATION_FILE
from uc1_churn.serving.predictor import load_predictor
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingBackend, TrainingRequest

ROWS = 900
PARAMS = ChurnParams(
    dataset=DatasetSpec(name="customers", table="customers"),
    training=TrainingParams(trees=15, threads=1, bootstrap_replicates=100),
)
PICTURES = ("roc", "precision_recall", "reliability", "profit", "importance")
GOOD = 0.7  # ROC AUC that a fit of `customers` surely exceeds
UNLIKELY = 0.4
THRESHOLD = 0.5


def customers() -> pa.Table:
    """Return a training table in which age tells much of the label."""
    random = np.random.default_rng(3)
    age = random.normal(size=ROWS)
    leaning = age + random.normal(size=ROWS)
    month = np.repeat(np.arange(3), ROWS // 3)
    return pa.table(
        {
            "customer_id": np.tile(np.arange(ROWS // 3), 3),
            "event_timestamp": pa.array(month * 10**12, pa.timestamp("us", "UTC")),
            "age": age,
            "plan": pa.array(["basic", None, "plus"] * (ROWS // 3)),
            "label": pa.array((leaning > THRESHOLD).astype("int8")),
        }
    )


def stored(platform: Platform, table: pa.Table) -> DatasetRef:
    """Store a training table."""
    platform.settings.home.mkdir(exist_ok=True)
    file = platform.settings.home / "table.parquet"
    pq.write_table(table, file)
    return platform.datasets.store("churn/training", file, prefix="features")


def requested(platform: Platform, run_key: str) -> TrainingRequest:
    """Return a request to train on `customers`."""
    dataset = stored(platform, customers())
    return TrainingRequest(
        dataset=dataset.model_copy(update={"revision": "customers@v1"}),
        params=PARAMS,
        run_key=run_key,
        git_commit="f00",
    )


class TrainingBackendContract:
    """Inherit, provide the fixtures `platform`, `backend` and `dying`.

    `dying` is a context manager in which every step dies for lack of a config file at
    `/nowhere`.
    """

    @pytest.fixture(scope="class")
    def wanted(self, platform: Platform) -> TrainingRequest:
        """A request that succeeds."""
        return requested(platform, "monday")

    @pytest.fixture(scope="class")
    def model(self, backend: TrainingBackend, wanted: TrainingRequest) -> ModelRef:
        """The version that it registered."""
        return backend.train(wanted)

    def test_a_version_is_registered_with_its_provenance(
        self, platform: Platform, model: ModelRef
    ) -> None:
        """The version names its data, its code and its run key."""
        tags = platform.tracking.tags(model)

        assert (model.name, model.version) == ("churn-predictor", 1)
        assert model.dataset == "customers@v1"
        assert (tags["git_commit"], tags["run_key"]) == ("f00", "monday")

    def test_the_run_keeps_the_evaluation_and_its_pictures(
        self, platform: Platform, model: ModelRef
    ) -> None:
        """The held-out rows were judged, and pictures drawn."""
        values = platform.tracking.read_json(model.run_id, EVALUATION_FILE)
        evaluation = Evaluation.model_validate(values)

        assert evaluation.rows == ROWS / 3
        assert evaluation.importance.keys() == {"age", "plan"}
        assert evaluation.metrics["roc_auc"].value > GOOD
        for name in PICTURES:
            png = platform.tracking.read(model.run_id, f"plots/{name}.png")
            assert png.startswith(b"\x89PNG")

    def test_the_registered_model_answers(self, model: ModelRef) -> None:
        """The stored model is whole, and takes rows with missing values."""
        predictor = load_predictor(verified(model))

        young, old = predictor.predict({"age": [-2.0, 2.0], "plan": ["basic", None]})

        assert predictor.columns == ("age", "plan")
        assert young < UNLIKELY < old

    def test_the_same_run_key_registers_once(
        self,
        platform: Platform,
        backend: TrainingBackend,
        wanted: TrainingRequest,
        model: ModelRef,
    ) -> None:
        """Trying again finds the version, also where its outcome was not left."""
        assert backend.train(wanted) == model

        platform.objects.delete("training/monday/model.json")

        assert backend.train(wanted) == model
        assert outcome.kept(platform.objects, "monday") == model

    def test_the_error_of_a_step_comes_back_as_it_was(
        self, platform: Platform, backend: TrainingBackend, wanted: TrainingRequest
    ) -> None:
        """A broken promise of the data is one here too."""
        one_class = customers().set_column(4, "label", pa.array([0] * ROWS, pa.int8()))
        broken = wanted.model_copy(
            update={"dataset": stored(platform, one_class), "run_key": "one-class"}
        )

        with pytest.raises(ContractError, match="both labels 0 and 1, found only 0"):
            backend.train(broken)

    def test_an_absent_table_is_named(
        self, backend: TrainingBackend, wanted: TrainingRequest
    ) -> None:
        """What is not stored cannot be trained on."""
        nowhere = wanted.dataset.model_copy(
            update={"key": "features/gone.parquet", "digest": "0" * 64, "revision": ""}
        )
        lost = wanted.model_copy(update={"dataset": nowhere, "run_key": "gone"})

        with pytest.raises(NotFoundError, match="gone"):
            backend.train(lost)

    def test_a_step_that_dies_shows_the_end_of_its_log(
        self,
        backend: TrainingBackend,
        wanted: TrainingRequest,
        dying: AbstractContextManager[None],
    ) -> None:
        """An error that could not be left in the store is in the log."""
        lost = wanted.model_copy(update={"run_key": "lost"})

        with (
            dying,
            pytest.raises(BackendError, match="no config file at /nowhere/config"),
        ):
            backend.train(lost)
