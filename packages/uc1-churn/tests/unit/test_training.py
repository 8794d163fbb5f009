from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from mlops_common.errors import ContractError
from uc1_churn.config import TrainingParams
from uc1_churn.evaluation.metrics import calibration_error, roc_auc, tally
from uc1_churn.training.fitting import (
    Features,
    Trained,
    features_of,
    fit,
    frame,
    probabilities,
)

QUICK = TrainingParams(trees=30, threads=1)
ROWS = 1_500


def customers(seed: int = 0) -> pa.Table:
    random = np.random.default_rng(seed)
    age, plan = random.normal(size=ROWS), random.integers(0, 3, ROWS)
    chance = 1 / (1 + np.exp(1 - age - plan))
    return pa.table(
        {
            "id": np.arange(ROWS),
            "event_timestamp": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * ROWS),
            "age": pa.array(age, mask=random.random(ROWS) < 0.1),
            "plan": pa.array([None if p == 2 else "ab"[p] for p in plan]),
            "label": pa.array((random.random(ROWS) < chance).astype("int8")),
        }
    )


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return customers()


@pytest.fixture(scope="module")
def trained(table: pa.Table) -> Trained:
    return fit(table, "id", QUICK)


def test_the_same_rows_give_the_same_predictions(
    table: pa.Table, trained: Trained
) -> None:
    again = fit(table, "id", QUICK.model_copy(update={"threads": 2}))

    assert np.array_equal(again.out_of_fold, trained.out_of_fold)
    assert np.array_equal(
        probabilities(again.pipeline, table, "id"),
        probabilities(trained.pipeline, table, "id"),
    )


def test_another_seed_gives_another_model(table: pa.Table, trained: Trained) -> None:
    other = fit(table, "id", QUICK.model_copy(update={"seed": 1}))

    assert not np.array_equal(other.out_of_fold, trained.out_of_fold)


@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic"])
def test_probabilities_for_unseen_rows_can_be_believed(
    table: pa.Table, calibration: str
) -> None:
    params = QUICK.model_copy(update={"calibration": calibration})
    unseen = customers(seed=1)

    chances = probabilities(fit(table, "id", params).pipeline, unseen, "id")

    sample = tally(unseen["label"].to_numpy(), chances)
    assert roc_auc(sample) > 0.75
    assert calibration_error(sample) < 0.06


def test_every_row_is_predicted_by_trees_that_did_not_see_it(
    table: pa.Table, trained: Trained
) -> None:
    # Labels by chance: who had seen them would recall some.
    coins = np.random.default_rng(2).integers(0, 2, ROWS).astype("int8")
    blind = fit(table.set_column(4, "label", pa.array(coins)), "id", QUICK)

    assert roc_auc(tally(coins, blind.out_of_fold)) == pytest.approx(0.5, abs=0.05)
    assert not np.isnan(trained.out_of_fold).any()


def test_a_stored_model_does_not_hold_the_rows_it_learnt_from(
    trained: Trained,
) -> None:
    assert "out_of_fold_" not in vars(trained.pipeline["model"])


def test_a_category_that_training_has_not_seen_counts_as_missing(
    table: pa.Table, trained: Trained
) -> None:
    new, missing = (
        table.slice(0, 9).set_column(3, "plan", pa.array([plan] * 9, pa.string()))
        for plan in ("never seen", None)
    )

    assert np.array_equal(
        probabilities(trained.pipeline, new, "id"),
        probabilities(trained.pipeline, missing, "id"),
    )


def test_a_pipeline_follows_scikit_learns_protocol(table: pa.Table) -> None:
    from sklearn.model_selection import cross_val_score

    from uc1_churn.training.fitting import build

    features = features_of(table.schema, "id")
    rows, labels = frame(table, features), table["label"].to_numpy()

    scores = cross_val_score(build(features, QUICK), rows, labels, scoring="roc_auc")

    assert min(scores) > 0.7


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (pa.array([b"x"]), "feature 'x' is binary; expected numbers or text"),
        (None, "no feature columns"),
    ],
)
def test_a_table_without_usable_features_is_refused(
    column: pa.Array | None, problem: str
) -> None:
    columns = {"id": pa.array([1]), "event_timestamp": pa.array([1])}
    table = pa.table(columns | ({} if column is None else {"x": column}))

    with pytest.raises(ContractError, match=problem):
        features_of(table.schema, "id")


def test_integers_booleans_and_dictionaries_are_features_too() -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "count": pa.array([1, None], pa.int32()),
            "flag": [True, None],
            "plan": pa.array(["a", None]).dictionary_encode(),
        }
    )

    features = features_of(table.schema, "id")

    assert features == Features(("count", "flag"), ("plan",))
    assert frame(table, features)["plan"].isna().tolist() == [False, True]
    assert frame(table, features)["flag"].tolist() == [
        1.0,
        pytest.approx(np.nan, nan_ok=True),
    ]
