"""What the components of the training pipeline do, each in a process of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_common.bootstrap import Platform, connect
from mlops_common.config import flatten
from mlops_common.progress import listening
from mlops_common.refs import ModelRef
from uc1_churn.evaluation import economics, metrics
from uc1_churn.evaluation.log import EVALUATION_FILE
from uc1_churn.features.schema import EVENT_TIMESTAMP, LABEL
from uc1_churn.training import fitting, openmp, splitting
from uc1_churn.training.splitting import Split
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.advancement import ToldSteps
from uc1_churn.training_backend.base import TrainingRequest

if TYPE_CHECKING:
    from mlops_common.tracking import SklearnModel
    from uc1_churn.evaluation.holdout import Evaluation
    from uc1_churn.serving.predictor import ChurnPredictor

MODEL_FILE = "model.skops"
CHOICE_FILE = "choice.json"
PACKAGES = ("uc1-churn", "lightgbm", "scikit-learn", "skops", "numpy", "pandas")


def fit(request: str, folder: str) -> None:
    """Fit the model and choose its threshold, on the training rows alone.

    Args:
        request: A `TrainingRequest` as JSON.
        folder: Where the model and the threshold go; made when absent.
    """
    wanted = TrainingRequest.model_validate_json(request)
    platform = connect()
    with _reported(platform, wanted):
        openmp.require()
        parts = _split(platform, wanted)
        _fit(parts, wanted, Path(folder))


def register(request: str, folder: str) -> str:
    """Judge the fitted model on the held-out rows, log it, register it.

    Args:
        request: A `TrainingRequest` as JSON.
        folder: Holds what `fit` made.

    Returns:
        The version, a `ModelRef` as JSON; that of an earlier try if there is one.
    """
    wanted = TrainingRequest.model_validate_json(request)
    platform = connect()
    with _reported(platform, wanted):
        name, tags = wanted.params.model_name, {"run_key": wanted.run_key}
        model = platform.tracking.find(name, tags)
        if model is None:
            parts = _split(platform, wanted)
            model = _register(platform, wanted, parts, Path(folder))
        outcome.keep(platform.objects, wanted.run_key, model)
    return model.model_dump_json()


@contextmanager
def _reported(platform: Platform, request: TrainingRequest) -> Iterator[None]:
    """Tell whoever asked for the training how far it is, and what ended it."""
    objects, key = platform.objects, request.run_key
    with outcome.reported(objects, key), listening(ToldSteps(objects, key)):
        yield


def _split(platform: Platform, request: TrainingRequest) -> Split:
    table = pq.read_table(platform.datasets.path(request.dataset))
    params = request.params
    return splitting.split(table, params.dataset.entity, params.training.test_fraction)


def _fit(parts: Split, request: TrainingRequest, folder: Path) -> None:
    import skops.io

    params = request.params
    trained = fitting.fit(parts.train, params.dataset.entity, params.training)
    folder.mkdir(parents=True, exist_ok=True)
    skops.io.dump(trained.pipeline, folder / MODEL_FILE)
    seen = ~np.isnan(trained.out_of_fold)
    sample = metrics.tally(
        parts.train[LABEL].to_numpy()[seen], trained.out_of_fold[seen]
    )
    share = economics.capacity_share(params.economics, _campaign(parts))
    threshold = economics.best_threshold(sample, params.economics, share)
    (folder / CHOICE_FILE).write_text(json.dumps({"threshold": threshold}), "utf-8")


def _campaign(parts: Split) -> int:
    """Return how many customers one campaign reaches: those of the newest instant."""
    instants = pa.chunked_array(
        [*parts.train[EVENT_TIMESTAMP].chunks, *parts.test[EVENT_TIMESTAMP].chunks]
    )
    return int(pc.sum(pc.equal(instants, pc.max(instants))).as_py())


def _register(
    platform: Platform, request: TrainingRequest, parts: Split, folder: Path
) -> ModelRef:
    from uc1_churn.evaluation import plots
    from uc1_churn.serving.predictor import ChurnPredictor, load_pipeline

    pipeline = load_pipeline(folder / MODEL_FILE)
    predictor = ChurnPredictor(pipeline)
    threshold = json.loads((folder / CHOICE_FILE).read_text("utf-8"))["threshold"]
    evaluation = _evaluate(request, parts.test, predictor, threshold)
    pictures = plots.draw(evaluation)
    dataset = request.dataset
    tags = {
        "dataset": dataset.revision or dataset.digest,
        "git_commit": request.git_commit,
        "run_key": request.run_key,
    }
    name = request.params.model_name
    with platform.tracking.run(
        name, name=request.run_key, key=request.run_key, tags=tags
    ) as run:
        run.log(_params(request, parts), evaluation.flat())
        run.log_dataset(dataset)
        files = {f"plots/{file}": png for file, png in pictures.items()}
        run.log_files({**files, EVALUATION_FILE: evaluation.model_dump_json().encode()})
        told = {**tags, "metrics": evaluation.flat()}
        outcome.keep_facts(platform.objects, request.run_key, told)
        return run.register(name, _model(pipeline, predictor, parts.test), tags)


def _evaluate(
    request: TrainingRequest,
    rows: pa.Table,
    predictor: "ChurnPredictor",
    threshold: float,
) -> "Evaluation":
    from uc1_churn.evaluation.holdout import evaluate
    from uc1_churn.evaluation.importance import permutation_importance
    from uc1_churn.serving.scoring import probabilities

    params, labels = request.params, rows[LABEL].to_numpy()
    chances = probabilities(predictor, rows)
    customers = rows[params.dataset.entity]
    evaluation = evaluate(labels, chances, customers, threshold, params)
    seed = params.training.seed
    falls = permutation_importance(predictor, rows, labels, seed)
    return evaluation.model_copy(update={"importance": falls})


def _params(request: TrainingRequest, parts: Split) -> dict[str, Any]:
    values = dict(flatten(request.params.model_dump(mode="json")))
    sizes = {"rows.train": parts.train.num_rows, "rows.test": parts.test.num_rows}
    return {**values, **sizes, "split": parts.by}


def _model(
    pipeline: Any, predictor: "ChurnPredictor", rows: pa.Table
) -> "SklearnModel":
    from mlops_common.tracking import SklearnModel
    from uc1_churn.serving.predictor import TRUSTED_TYPES

    kinds = {"FP64": "double", "BYTES": "string"}
    inputs = {name: kinds[kind] for name, kind in predictor.datatypes.items()}
    example = rows.slice(0, 5).select(list(predictor.columns)).to_pandas()
    return SklearnModel(
        pipeline=pipeline,
        inputs=inputs,
        example=example,
        trusted=TRUSTED_TYPES,
        requirements=tuple(f"{name}=={version(name)}" for name in PACKAGES),
    )
