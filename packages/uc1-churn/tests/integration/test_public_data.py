"""The defaults against public datasets, by the pipeline's own path.

The file is loaded into PostgreSQL with inferred types, extracted by the query of the
shipped spec, and turned into features and labels; only then is the model, with its
defaults, cross-validated. See `shared_data` for where the files lie.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.config import read_yaml
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import load_file
from mlops_common.postgres.transfer import extract
from uc1_churn.config import ChurnParams
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.features import labels
from uc1_churn.features.derivation import derive
from uc1_churn.features.schema import LABEL, FeatureTable
from uc1_churn.tables import extraction
from uc1_churn.training import fitting
from uc1_churn.use_case import USE_CASE

TELCO = "telco/Telco-Customer-Churn.csv.gz"
MLC = "mlc/mlc_churn.csv.gz"
TrainingTable = Callable[[str, str], tuple[pa.Table, ChurnParams]]


@pytest.fixture
def training_table(
    postgres: Postgres, shared_data: Path, tmp_path: Path
) -> TrainingTable:
    """Make the training table of a shipped spec as the tasks of the flow do."""

    def made(name: str, file: str) -> tuple[pa.Table, ChurnParams]:
        params = ChurnParams.model_validate(read_yaml(USE_CASE.preset(name)))
        spec, source = params.dataset, shared_data / "churn" / file
        key = spec.entity if name == "mlc" else None
        load_file(postgres, source, spec.table or "", key=key, replace=True)
        raw, rows = tmp_path / "raw.parquet", tmp_path / "rows.parquet"
        features, target = tmp_path / "features.parquet", tmp_path / "training.parquet"
        extract(postgres, extraction.query(spec), raw)
        table = FeatureTable(columns=derive(raw, spec, features), path=features)
        labels.entity_rows(raw, spec, rows)
        store = FeatureStore(postgres, tmp_path / "repository", database="auc")
        store.training_set(table, rows, target)
        return pq.read_table(target), params

    return made


@pytest.mark.parametrize(
    ("name", "file", "rows", "features", "least"),
    [("telco", TELCO, 7_043, 19, 0.84), ("mlc", MLC, 5_000, 19, 0.91)],
    ids=["telco", "mlc"],
)
def test_the_defaults_tell_churners_apart(
    training_table: TrainingTable,
    name: str,
    file: str,
    rows: int,
    features: int,
    least: float,
) -> None:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    table, params = training_table(name, file)
    # The number of threads changes the time, not the figures.
    defaults = params.training.model_copy(update={"threads": 1})
    entity, truth = params.dataset.entity, table[LABEL].to_numpy()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    areas = []
    for seen, unseen in folds.split(truth, truth):
        model = fitting.fit(table.take(seen), entity, defaults).pipeline
        chances = fitting.probabilities(model, table.take(unseen), entity)
        areas.append(roc_auc_score(truth[unseen], chances))

    assert table.num_rows == rows
    assert len(fitting.features_of(table.schema, entity).columns) == features
    assert np.mean(areas) >= least
