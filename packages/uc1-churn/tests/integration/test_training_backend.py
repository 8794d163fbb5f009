import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from mlops_common import locks
from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import BackendError, ContractError
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.serving.artifact import verified
from mlops_common.serving.base import ServiceSpec
from mlops_common.settings import Settings
from mlops_common.testing.postgres import small_disk, temporary_home
from uc1_churn.champion import compare_with_champion, reconciled
from uc1_churn.config import ChurnParams, DatasetSpec, TrainingParams
from uc1_churn.evaluation import Evaluation
from uc1_churn.serving import MODEL_FILE, ChurnPredictor, load_pipeline, load_predictor
from uc1_churn.training_backend import outcome, steps
from uc1_churn.training_backend.base import TrainingRequest
from uc1_churn.training_backend.local import LocalTraining, _workspace

pytestmark = [
    # MLflow and what it imports, none of it ours.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # Said of a type hint inside MLflow, in colour.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]

ROWS = 900
PARAMS = ChurnParams(
    dataset=DatasetSpec(name="customers", table="customers"),
    training=TrainingParams(trees=15, threads=1, bootstrap_replicates=100),
)


def customers() -> pa.Table:
    random = np.random.default_rng(3)
    age = random.normal(size=ROWS)
    month = np.repeat(np.arange(3), ROWS // 3)
    return pa.table(
        {
            "customer_id": np.tile(np.arange(ROWS // 3), 3),
            "event_timestamp": pa.array(month * 10**12, pa.timestamp("us", "UTC")),
            "age": age,
            "plan": pa.array(["basic", None, "plus"] * (ROWS // 3)),
            "label": pa.array((age + random.normal(size=ROWS) > 0.5).astype("int8")),
        }
    )


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with temporary_home() as home:
        yield connect(Settings(home=home))


def stored(platform: Platform, table: pa.Table) -> DatasetRef:
    file = platform.settings.home / "table.parquet"
    pq.write_table(table, file)
    return platform.datasets.store("churn/training", file, prefix="features")


@pytest.fixture(scope="module")
def request_(platform: Platform) -> TrainingRequest:
    dataset = stored(platform, customers())
    return TrainingRequest(
        dataset=dataset.model_copy(update={"revision": "customers@v1"}),
        params=PARAMS,
        run_key="monday",
        git_commit="f00",
    )


@pytest.fixture(scope="module")
def model(platform: Platform, request_: TrainingRequest) -> ModelRef:
    return LocalTraining(platform).train(request_)


def test_the_pipeline_registers_a_version_with_its_provenance(
    platform: Platform, model: ModelRef
) -> None:
    tags = platform.tracking.tags(model)

    assert (model.name, model.version) == ("churn-predictor", 1)
    assert model.dataset == "customers@v1"
    assert (tags["git_commit"], tags["run_key"]) == ("f00", "monday")


def test_the_run_keeps_the_evaluation_and_its_pictures(
    platform: Platform, model: ModelRef
) -> None:
    values = platform.tracking.read_json(model.run_id, steps.EVALUATION_FILE)
    evaluation = Evaluation.model_validate(values)

    assert evaluation.rows == ROWS / 3
    assert evaluation.importance.keys() == {"age", "plan"}
    assert evaluation.metrics["roc_auc"].value > 0.7
    for name in ("roc", "precision_recall", "reliability", "profit", "importance"):
        png = platform.tracking.read(model.run_id, f"plots/{name}.png")
        assert png.startswith(b"\x89PNG")


def test_the_registered_model_answers(model: ModelRef) -> None:
    predictor = load_predictor(verified(model))

    young, old = predictor.predict({"age": [-2.0, 2.0], "plan": ["basic", None]})

    assert predictor.columns == ("age", "plan")
    assert young < 0.4 < old


def test_a_run_leaves_nothing_but_its_outcome(
    platform: Platform, model: ModelRef
) -> None:
    left = sorted(p.name for p in (platform.settings.home / "training").iterdir())

    assert left == [".lock"]
    assert outcome.kept(platform.objects, "monday") == model


def test_the_same_run_key_registers_once(
    platform: Platform, request_: TrainingRequest, model: ModelRef
) -> None:
    assert LocalTraining(platform).train(request_) == model


def test_a_run_killed_after_registering_finds_its_version(
    platform: Platform,
    request_: TrainingRequest,
    model: ModelRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platform.objects.delete("training/monday/model.json")
    monkeypatch.setenv("MLOPS_HOME", str(platform.settings.home))

    text = steps.register(request_.model_dump_json(), "never fitted")

    assert ModelRef.model_validate_json(text) == model
    assert outcome.kept(platform.objects, "monday") == model


def test_the_error_of_a_step_comes_back_as_it_was(
    platform: Platform, request_: TrainingRequest
) -> None:
    one_class = customers().set_column(4, "label", pa.array([0] * ROWS, pa.int8()))
    broken = request_.model_copy(
        update={"dataset": stored(platform, one_class), "run_key": "one-class"}
    )

    with pytest.raises(ContractError, match="need both labels 0 and 1, found only 0"):
        LocalTraining(platform).train(broken)


def test_a_step_that_dies_shows_the_end_of_its_log(
    platform: Platform, request_: TrainingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_CONFIG", "/nowhere/config.yaml")
    lost = request_.model_copy(update={"run_key": "lost"})

    with pytest.raises(BackendError, match="no config file at /nowhere/config"):
        LocalTraining(platform).train(lost)


def test_a_workspace_of_a_killed_run_goes_and_that_of_a_living_one_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "run-killed").mkdir()

    with _workspace(tmp_path) as (living, _), _workspace(tmp_path) as (other, _):
        left = {path for path in tmp_path.iterdir() if path.is_dir()}

    assert left == {living, other}
    assert not locks.held(living / "lock")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    root = tmp_path / "training"
    root.mkdir()
    dataset = DatasetRef(name="d", key="k", digest="d", rows=1)
    request = TrainingRequest(dataset=dataset, params=PARAMS, run_key="full")
    with small_disk(root, megabytes=1):
        (root / ".lock").touch()
        filler = (root / "filler").open("wb", buffering=0)
        with filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass

        with pytest.raises(BackendError, match=r"cannot train in .*No space left"):
            LocalTraining(connect(Settings(home=tmp_path))).train(request)


def test_the_challenger_meets_the_champion_on_the_held_out_rows(
    platform: Platform, request_: TrainingRequest, model: ModelRef
) -> None:
    table, folder = platform.datasets.path(request_.dataset), verified(model)

    difference = compare_with_champion(table, folder, folder, PARAMS)

    assert (difference.low, difference.value, difference.high) == (0, 0, 0)


def test_a_champion_that_cannot_score_the_table_is_named(
    model: ModelRef, tmp_path: Path
) -> None:
    import skops.io

    from uc1_churn.training import fit

    narrow = customers().drop_columns("plan")
    pq.write_table(narrow, tmp_path / "narrow.parquet")
    pipeline = fit(narrow, "customer_id", PARAMS.training).pipeline
    skops.io.dump(pipeline, tmp_path / "model.skops")

    with pytest.raises(ContractError, match=r"champion of 'churn-predictor' .* 'plan'"):
        compare_with_champion(
            tmp_path / "narrow.parquet", tmp_path, verified(model), PARAMS
        )


def registered_again(platform: Platform, model: ModelRef) -> ModelRef:
    pipeline = load_pipeline(verified(model) / MODEL_FILE)
    stored = steps._model(pipeline, ChurnPredictor(pipeline), customers())
    with platform.tracking.run(model.name, name="t", key="t", tags={}) as run:
        return run.register(model.name, stored, {})


def test_the_version_that_serves_is_the_champion_after_an_interrupted_deploy(
    platform: Platform, model: ModelRef
) -> None:
    serving, tracking = platform.serving, platform.tracking
    other = registered_again(platform, model)
    spec = ServiceSpec(model.name, model, "uc1_churn.serving:load_predictor")
    assert reconciled(serving, tracking, model.name, "champion") is None
    tracking.set_alias(other, "champion")
    assert reconciled(serving, tracking, model.name, "champion") == other
    serving.stage(spec)
    try:
        assert reconciled(serving, tracking, model.name, "champion") == other
        serving.promote(model.name)

        assert reconciled(serving, tracking, model.name, "champion") == model
        assert tracking.resolve(model.name, "champion") == model
        assert reconciled(serving, tracking, model.name, "nobody") is None
    finally:
        serving.stop(model.name)


def test_loading_a_model_does_not_import_mlflow(model: ModelRef) -> None:
    program = (
        "import sys; from pathlib import Path; from uc1_churn.serving import "
        "load_predictor; load_predictor(Path(sys.argv[1])); "
        "assert 'mlflow' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program, str(verified(model))], check=True)


def test_the_pipeline_compiles_for_a_cluster_without_secrets(tmp_path: Path) -> None:
    target = tmp_path / "pipeline.yaml"
    variables = {
        "UC1_TRAINING_IMAGE": "registry.example/uc1-churn:1-python3.11",
        "MLOPS_POSTGRES__PASSWORD": "s3cret",
    }
    module = "uc1_churn.training_backend.pipeline"

    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, str(target)],
        env={**os.environ, **variables},
        check=True,
    )

    text = target.read_text("utf-8")
    spec = next(yaml.safe_load_all(text))
    executors = spec["deploymentSpec"]["executors"].values()
    images = {executor["container"]["image"] for executor in executors}
    assert images == {"registry.example/uc1-churn:1-python3.11"}
    assert spec["root"]["inputDefinitions"]["parameters"].keys() == {"request"}
    assert "pip install" not in text
    assert "s3cret" not in text
