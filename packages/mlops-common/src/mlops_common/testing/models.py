"""A small model to register in tests."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_common.tracking import SklearnModel


def a_model(slope: float = 1.0) -> "SklearnModel":
    """Return a model of one feature; those of different slopes have other bytes."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    from mlops_common.tracking import SklearnModel

    rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0]}) * slope
    return SklearnModel(
        pipeline=LogisticRegression().fit(rows, [0, 0, 1, 1]),
        inputs={"age": "double"},
        example=rows.head(2),
        trusted=(),
        requirements=("scikit-learn",),
    )
