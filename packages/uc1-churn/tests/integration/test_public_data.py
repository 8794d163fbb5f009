"""The defaults against public datasets; see `shared_data` for where these lie."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from uc1_churn.config import TrainingParams
from uc1_churn.training import build, features_of, frame


def table(file: Path, label: str, drop: list[str]) -> pa.Table:
    data = pd.read_csv(file, na_values={"TotalCharges": " "}).drop(columns=drop)
    data["label"] = data.pop(label).str.lower().eq("yes").astype("int8")
    return pa.Table.from_pandas(data, preserve_index=False)


@pytest.mark.parametrize(
    ("file", "label", "drop", "least"),
    [
        ("telco/Telco-Customer-Churn.csv.gz", "Churn", ["customerID"], 0.84),
        ("mlc/mlc_churn.csv.gz", "churn", [], 0.91),
    ],
    ids=["telco", "mlc"],
)
def test_the_defaults_tell_churners_apart(
    shared_data: Path, file: str, label: str, drop: list[str], least: float
) -> None:
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    customers = table(shared_data / "churn" / file, label, drop)
    features = features_of(customers.schema, "id")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    areas = cross_val_score(
        # The number of threads changes the time, not the figures.
        build(features, TrainingParams(threads=1)),
        frame(customers, features),
        customers["label"].to_numpy(),
        cv=folds,
        scoring="roc_auc",
    )

    assert areas.mean() >= least
