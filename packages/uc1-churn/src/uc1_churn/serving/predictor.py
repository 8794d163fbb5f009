"""Answers with a stored churn model: one row in microseconds, or a whole table.

The trees, the categories and the calibration curve are taken out of the fitted
pipeline and evaluated directly. The probabilities are those of the pipeline; the
data frame that it would need for each request is not built.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.progress import step

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MODEL_FILE = "model.skops"
# Everything in a stored model that is not scikit-learn's or numpy's own.
TRUSTED_TYPES = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "uc1_churn.classifier.CalibratedBooster",
)
BATCH_ROWS = 1 << 16
# Below this, waking threads takes longer than the trees.
FEW_ROWS = 256


class ChurnPredictor:
    """A fitted pipeline, ready to answer.

    Attributes:
        columns: Names of the features, in order.
        datatypes: `FP64` (number, NaN is missing) or `BYTES` (text, None is missing)
            of each column.
    """

    def __init__(self, pipeline: "Pipeline") -> None:
        columns = {name: names for name, _, names in pipeline["encoder"].transformers_}
        model = pipeline["model"]
        self._numeric = tuple(columns["numeric"])
        self._codes = _codes(pipeline["encoder"], columns["categorical"])
        self._trees = model.booster_.booster_
        self._calibrator = model.calibrator_
        self.columns: tuple[str, ...] = (*self._numeric, *self._codes)
        self.datatypes = {
            **dict.fromkeys(self._numeric, "FP64"),
            **dict.fromkeys(self._codes, "BYTES"),
        }

    def predict(self, rows: Mapping[str, Sequence[Any]]) -> NDArray[np.float64]:
        """Return the (n,) churn probabilities of n rows.

        Args:
            rows: Every feature column with its n values, as sequences or arrow
                arrays. Text that training has not seen counts as missing.

        Raises:
            ContractError: A column is absent, of another length, or holds text
                where numbers belong.
        """
        return self.predict_encoded(self.encoded(rows))

    def predict_encoded(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) churn probabilities of the (n, k) numbers of `encoded`."""
        threads = {"num_threads": 1} if len(matrix) < FEW_ROWS else {}
        margins = self._trees.predict(matrix, raw_score=True, **threads)
        return _calibrated(self._calibrator, margins)

    def encoded(self, rows: Mapping[str, Sequence[Any]]) -> NDArray[np.float64]:
        """Return the (n, k) numbers that the trees read.

        Raises:
            ContractError: As for `predict`.
        """
        absent = [name for name in self.columns if name not in rows]
        if absent:
            raise ContractError(
                f"column {absent[0]!r} is missing; the model needs "
                f"{', '.join(self.columns)}"
            )
        count = len(rows[self.columns[0]])
        matrix = np.empty((count, len(self.columns)))
        for index, name in enumerate(self.columns):
            if len(rows[name]) != count:
                raise ContractError(
                    f"column {name!r} has {len(rows[name])} values, expected {count}"
                )
            codes = self._codes.get(name)
            values = rows[name]
            matrix[:, index] = (
                _numbers(name, values) if codes is None else _coded(values, codes)
            )
        return matrix


def load_predictor(folder: Path) -> ChurnPredictor:
    """Return the predictor of a stored model; MLflow is not needed.

    Args:
        folder: Local folder of a registered version; its digest is the caller's
            to check.

    Raises:
        NotFoundError: There is no model in the folder.
        ContractError: The file is no churn model, or names types that are not
            trusted.
    """
    return ChurnPredictor(load_pipeline(folder / MODEL_FILE))


def load_pipeline(file: Path) -> "Pipeline":
    """Return the fitted pipeline in a skops file, which holds no pickle.

    Raises:
        NotFoundError: There is no such file.
        ContractError: The file is no pipeline of trusted types.
    """
    from zipfile import BadZipFile

    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        pipeline = skops.io.load(file, trusted=list(TRUSTED_TYPES))
    except FileNotFoundError as error:
        raise NotFoundError(f"no model at {file}") from error
    except (UntrustedTypesFoundException, BadZipFile, LookupError, ValueError) as error:
        raise ContractError(f"{file} is not a churn model of ours: {error}") from error
    if not {"encoder", "model"} <= set(getattr(pipeline, "named_steps", ())):
        raise ContractError(f"{file} holds a {type(pipeline).__name__}, no churn model")
    return pipeline


def score(predictor: ChurnPredictor, table: Path) -> NDArray[np.float64]:
    """Return the (n,) churn probabilities of a Parquet table, read batch by batch.

    Args:
        predictor: The model.
        table: Parquet file with every feature column and n rows.

    Raises:
        ContractError: A column is absent or does not fit.
    """
    return np.concatenate([np.empty(0), *_scores(predictor, table)])


def _scores(predictor: ChurnPredictor, table: Path) -> Iterator[NDArray[np.float64]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(table) as file:
        present = [n for n in predictor.columns if n in file.schema_arrow.names]
        with step("Score customers", total=file.metadata.num_rows) as advance:
            for batch in file.iter_batches(BATCH_ROWS, columns=present):
                columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                yield predictor.predict(columns)
                advance(batch.num_rows)


def _codes(encoder: Any, columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the number of each category of each column."""
    if not columns:
        return {}
    known = encoder.named_transformers_["categorical"].categories_
    return {
        name: {
            value: float(code)
            for code, value in enumerate(values)
            if isinstance(value, str)
        }
        for name, values in zip(columns, known, strict=True)
    }


def _numbers(name: str, values: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ContractError(f"column {name!r} takes numbers: {error}") from error


def _coded(values: Any, codes: Mapping[str, float]) -> Any:
    if not isinstance(values, pa.Array):
        return [codes.get(value, np.nan) for value in values]
    encoded = values.cast(pa.string()).dictionary_encode()
    known = [codes.get(value, np.nan) for value in encoded.dictionary.to_pylist()]
    numbers = pa.array(known, pa.float64()).take(encoded.indices)
    return numbers.to_numpy(zero_copy_only=False)


def _calibrated(calibrator: Any, margins: Any) -> NDArray[np.float64]:
    if hasattr(calibrator, "coef_"):
        slope, start = calibrator.coef_[0, 0], calibrator.intercept_[0]
        # The logistic function, in a form that cannot overflow.
        return np.asarray((1 + np.tanh((slope * margins + start) / 2)) / 2)
    knots, heights = calibrator.X_thresholds_, calibrator.y_thresholds_
    return np.asarray(np.interp(margins, knots, heights))
