import numpy as np
import pyarrow as pa
import pytest

from mlops_common.errors import ContractError
from uc1_churn.config import TrainingParams
from uc1_churn.serving import scoring
from uc1_churn.serving.predictor import ChurnPredictor
from uc1_churn.training.fitting import fit

ROWS = 500


def customers() -> pa.Table:
    random = np.random.default_rng(6)
    age = random.normal(size=ROWS)
    return pa.table(
        {
            "id": np.arange(ROWS),
            "event_timestamp": pa.array([0] * ROWS, pa.timestamp("us", "UTC")),
            "plan": pa.array(["basic", None, "plus", "", "Ünï"] * (ROWS // 5)),
            "age": pa.array(age, mask=random.random(ROWS) < 0.2),
            "label": pa.array((age + random.normal(size=ROWS) > 1).astype("int8")),
        }
    )


@pytest.fixture(scope="module")
def predictor() -> ChurnPredictor:
    params = TrainingParams(trees=20, threads=1)
    return ChurnPredictor(fit(customers(), "id", params).pipeline)


@pytest.mark.parametrize("rows", [1, 64, ROWS, ROWS + 1])
def test_batches_of_a_chunked_table_get_the_chances_of_its_values(
    predictor: ChurnPredictor, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", rows)
    whole = customers()
    chunked = pa.concat_tables([whole.slice(0, 33), whole.slice(33)])

    chances = scoring.probabilities(predictor, chunked)

    values = {name: whole[name].to_pylist() for name in predictor.columns}
    assert np.array_equal(chances, predictor.predict(values))


def test_an_empty_table_has_no_chances(predictor: ChurnPredictor) -> None:
    assert scoring.probabilities(predictor, customers().slice(0, 0)).shape == (0,)


def test_an_absent_column_is_named(predictor: ChurnPredictor) -> None:
    with pytest.raises(ContractError, match="'plan' is missing"):
        scoring.probabilities(predictor, customers().drop_columns("plan"))
