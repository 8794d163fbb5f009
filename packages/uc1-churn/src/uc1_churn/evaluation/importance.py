"""Which features the model leans on."""

from typing import Any

import numpy as np
import pyarrow as pa

from mlops_common.progress import step
from uc1_churn.evaluation.metrics import roc_auc, tally
from uc1_churn.serving.predictor import ChurnPredictor
from uc1_churn.serving.scoring import arrays

MOST_ROWS = 10_000
REPEATS = 3


def permutation_importance(
    predictor: ChurnPredictor, table: pa.Table, labels: Any, seed: int
) -> dict[str, float]:
    """Return how far the ROC AUC falls when a feature's values are shuffled.

    Unlike the gain of the trees, it is measured on held-out rows and does not favour
    features with many values. Features that tell the same share their importance.

    Args:
        predictor: The model.
        table: Held-out rows, n of them; at most the first 10,000 are used.
        labels: (n,) 0 or 1.
        seed: The same seed gives the same figures.

    Returns:
        Feature to the mean fall over three shuffles; about 0 where it is useless.

    References:
        L. Breiman (2001). Random forests. Machine Learning 45(1), 5-32.
        A. Fisher, C. Rudin, F. Dominici (2019). All models are wrong, but many are
        useful. J. Mach. Learn. Res. 20(177), 1-81.
    """
    columns = predictor.columns
    rows = table.slice(0, MOST_ROWS)
    known = np.asarray(labels)[: rows.num_rows]
    matrix = predictor.encoded(arrays(rows, columns))
    random = np.random.default_rng(seed)
    whole = roc_auc(tally(known, predictor.predict_encoded(matrix)))
    falls = dict.fromkeys(columns, 0.0)
    with step("Importance", total=len(columns)) as advance:
        for index, name in enumerate(columns):
            for _ in range(REPEATS):
                shuffled = matrix.copy()
                random.shuffle(shuffled[:, index])
                area = roc_auc(tally(known, predictor.predict_encoded(shuffled)))
                falls[name] += (whole - area) / REPEATS
            advance(1)
    return falls
