"""Fits the churn model: encoding, boosted trees and calibration in one pipeline."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlops_common.errors import ContractError
from uc1_churn.config import TrainingParams
from uc1_churn.features.schema import EVENT_TIMESTAMP, LABEL
from uc1_churn.training.splitting import folds

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


class Features(NamedTuple):
    """Feature columns by kind, each in the order of the table.

    Attributes:
        numeric: Numbers; empty means missing.
        categorical: Text; empty and unseen values mean missing.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in the order in which the model reads them."""
        return self.numeric + self.categorical


class Trained(NamedTuple):
    """A fitted model and what it said of rows it had not seen.

    Attributes:
        pipeline: From feature columns to probability.
        out_of_fold: (n,) calibrated probability of each training row by trees that
            did not see it; NaN for rows that no fold held out.
    """

    pipeline: "Pipeline"
    out_of_fold: NDArray[np.float64]


def features_of(schema: pa.Schema, entity: str) -> Features:
    """Return the features of a training table: all columns but key, time and label.

    Raises:
        ContractError: A column is neither a number nor text, or there are none.

    Examples:
        >>> schema = pa.schema({"id": "int64", "age": "double", "plan": "string"})
        >>> features_of(schema, "id")
        Features(numeric=('age',), categorical=('plan',))
    """
    fields = [f for f in schema if f.name not in {entity, EVENT_TIMESTAMP, LABEL}]
    numeric = tuple(field.name for field in fields if _is_number(field.type))
    categorical = tuple(field.name for field in fields if _is_text(field.type))
    other = [f for f in fields if f.name not in {*numeric, *categorical}]
    if other:
        raise ContractError(
            f"feature {other[0].name!r} is {other[0].type}; expected numbers or text: "
            "convert it, or name it under dataset.exclude"
        )
    if not fields:
        raise ContractError("the training table has no feature columns")
    return Features(numeric, categorical)


def fit(table: pa.Table, entity: str, params: TrainingParams) -> Trained:
    """Fit the model to a training table.

    The same bytes and params give the same predictions: LightGBM runs in its
    deterministic mode with fixed seeds and threads.

    Args:
        table: n rows with `entity`, `event_timestamp`, `label` and features.
        entity: Column of customer keys.
        params: Trees, calibration, folds and seed.

    Raises:
        ContractError: A feature is of no usable type, or a class has too few rows.
    """
    features = features_of(table.schema, entity)
    pipeline = build(features, params)
    parts = folds(table, entity, params.folds)
    pipeline.fit(frame(table, features), table[LABEL].to_numpy(), model__folds=parts)
    # Only this run needs it; stored, it would grow the model by 8 bytes a row.
    out_of_fold = vars(pipeline["model"]).pop("out_of_fold_")
    return Trained(pipeline, out_of_fold)


def build(features: Features, params: TrainingParams) -> "Pipeline":
    """Return the unfitted pipeline.

    Categories become their number in sorted order, empty and unseen ones NaN, which
    trees send where it serves them best; numbers pass as they are.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    from uc1_churn.classifier import CalibratedBooster

    categories = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )
    encoder = ColumnTransformer(
        [
            ("numeric", "passthrough", list(features.numeric)),
            ("categorical", categories, list(features.categorical)),
        ]
    )
    model = CalibratedBooster(_trees(params), calibration=params.calibration)
    return Pipeline([("encoder", encoder), ("model", model)])


def frame(table: pa.Table, features: Features) -> "pd.DataFrame":
    """Return the feature columns as pandas: float64, and text; NaN where empty."""
    columns = [
        *(table[name].cast(pa.float64()) for name in features.numeric),
        *(table[name].cast(pa.string()) for name in features.categorical),
    ]
    rows: pd.DataFrame = pa.table(columns, names=list(features.columns)).to_pandas()
    texts = list(features.categorical)
    # scikit-learn's encoder takes None for a category like any other.
    rows[texts] = rows[texts].astype(object).where(rows[texts].notna(), np.nan)
    return rows


def probabilities(
    pipeline: "Pipeline", table: pa.Table, entity: str
) -> NDArray[np.float64]:
    """Return the (n,) churn probability of each row of `table`."""
    rows = frame(table, features_of(table.schema, entity))
    return np.asarray(pipeline.predict_proba(rows)[:, 1])


def _trees(params: TrainingParams) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=params.trees,
        learning_rate=params.learning_rate,
        num_leaves=params.leaves,
        min_child_samples=params.min_rows_per_leaf,
        subsample=params.row_share,
        subsample_freq=1,
        colsample_bytree=params.column_share,
        random_state=params.seed,
        n_jobs=params.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return any(test(kind) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
