"""One run: what went in, what came out, and the model that it registers."""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_common.errors import ContractError
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.serving.artifact import folder_digest
from mlops_common.tracking.connection import Connection

DIGEST = "digest"
DATASET = "dataset"


@dataclass(frozen=True, slots=True)
class SklearnModel:
    """A fitted scikit-learn pipeline and what its readers must know.

    Attributes:
        pipeline: The fitted pipeline; must have `predict_proba`.
        inputs: Type of each input column in order: `double` or `string`. Values may
            be missing.
        example: A data frame of a few input rows.
        trusted: Types in the pipeline, beyond scikit-learn's and numpy's, that a
            reader may build.
        requirements: What pip must install to read it, such as `lightgbm==4.6.0`.
    """

    pipeline: Any
    inputs: Mapping[str, str]
    example: Any
    trusted: tuple[str, ...]
    requirements: tuple[str, ...]


class Run:
    """An open run; `Tracking.run` makes it.

    Attributes:
        id: MLflow's id of the run.
    """

    def __init__(self, connection: Connection, run_id: str, experiment: str) -> None:
        self.id = run_id
        self._connection = connection
        self._experiment = experiment

    def log(self, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Log what went in and what came out, in one request.

        Raises:
            BackendError: The store cannot be written.
        """
        with self._connection.translated("log params and metrics"):
            from mlflow.entities import Metric, Param

            now = time.time_ns() // 1_000_000
            self._connection.client.log_batch(
                self.id,
                metrics=[
                    Metric(name, value, now, 0) for name, value in metrics.items()
                ],
                params=[Param(name, str(value)) for name, value in params.items()],
            )

    def log_dataset(self, dataset: DatasetRef, context: str = "training") -> None:
        """Log which table went in.

        Raises:
            BackendError: The store cannot be written.
        """
        with self._connection.translated("log a dataset"):
            from mlflow.entities import Dataset, DatasetInput, InputTag

            source = json.dumps({"revision": dataset.revision, "key": dataset.key})
            entry = Dataset(
                name=dataset.name,
                digest=dataset.digest[:32],
                source_type="dvc",
                source=source,
                profile=json.dumps({"rows": dataset.rows}),
            )
            tags = [InputTag("mlflow.data.context", context)]
            self._connection.client.log_inputs(self.id, [DatasetInput(entry, tags)])

    def log_files(self, files: Mapping[str, bytes]) -> None:
        """Log files by relative path, such as `plots/roc.png`.

        Raises:
            BackendError: The store cannot be written.
        """
        with (
            self._connection.translated("log files"),
            tempfile.TemporaryDirectory() as folder,
        ):
            for name, content in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._connection.client.log_artifacts(self.id, folder)

    def register(
        self, name: str, model: SklearnModel, tags: Mapping[str, str]
    ) -> ModelRef:
        """Store a model and register it as the next version of `name`.

        The version appears with all its tags in one step, after its files.

        Args:
            name: Registered model; made when absent.
            model: What is stored.
            tags: Facts of the version; `dataset` names the dataset revision.

        Raises:
            ContractError: The model holds types that it does not list as trusted.
            BackendError: The store cannot be written.
        """
        with (
            self._connection.translated("store the model"),
            tempfile.TemporaryDirectory() as folder,
        ):
            target = Path(folder) / "model"
            _save(model, target)
            facts = {**tags, DIGEST: folder_digest(target)}
            stored = self._upload(name, target)
        with self._connection.translated("register the model"):
            self._ensure_model(name)
            version = self._connection.client.create_model_version(
                name,
                source=stored.artifact_location,
                run_id=self.id,
                tags=facts,
                model_id=stored.model_id,
            )
        return model_ref(version, facts)

    def _upload(self, name: str, folder: Path) -> Any:
        from mlflow.entities import LoggedModelOutput

        client = self._connection.client
        stored = client.create_logged_model(
            self._experiment, name=name, source_run_id=self.id
        )
        client.log_model_artifacts(stored.model_id, str(folder))
        client.finalize_logged_model(stored.model_id, "READY")
        client.log_outputs(self.id, [LoggedModelOutput(stored.model_id, 0)])
        return stored

    def _ensure_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._connection.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _save(model: SklearnModel, target: Path) -> None:
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = Schema(
        [ColSpec(kind, name, required=False) for name, kind in model.inputs.items()]
    )
    signature = ModelSignature(inputs, Schema([ColSpec("double")]))
    try:
        mlflow.sklearn.save_model(
            model.pipeline,
            str(target),
            serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
            skops_trusted_types=list(model.trusted),
            signature=signature,
            input_example=model.example,
            pip_requirements=list(model.requirements),
            pyfunc_predict_fn="predict_proba",
        )
    except MlflowException as error:
        if "untrusted types" in str(error):
            raise ContractError(f"the model cannot be stored: {error}") from error
        raise


def model_ref(version: Any, tags: Mapping[str, str] | None = None) -> ModelRef:
    """Return the reference to a version of MLflow; `tags` where it has none yet."""
    facts = version.tags if tags is None else tags
    return ModelRef(
        name=version.name,
        version=int(version.version),
        run_id=version.run_id or "",
        uri=version.source,
        digest=facts.get(DIGEST, ""),
        dataset=facts.get(DATASET, ""),
    )
