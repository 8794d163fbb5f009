import numpy as np
import pyarrow as pa

from uc1_churn.config import TrainingParams
from uc1_churn.evaluation.importance import permutation_importance
from uc1_churn.serving.predictor import ChurnPredictor
from uc1_churn.training.fitting import build, features_of, frame


def test_only_the_feature_that_tells_is_important() -> None:
    random = np.random.default_rng(9)
    tells, noise = random.normal(size=(2, 600))
    labels = (tells > 0).astype(int)
    table = pa.table({"tells": tells, "noise": noise})
    features = features_of(table.schema, "id")
    model = build(features, TrainingParams(trees=20, threads=1))
    model.fit(frame(table, features), labels)

    falls = permutation_importance(ChurnPredictor(model), table, labels, seed=0)

    assert falls["tells"] > 0.4
    assert abs(falls["noise"]) < 0.01
