import numpy as np
import pytest

from mlops_common.errors import ContractError
from uc1_churn.config import ChurnParams, TrainingParams
from uc1_churn.evaluation.economics import NOBODY
from uc1_churn.evaluation.holdout import TITLES, Evaluation, compare, evaluate

PARAMS = ChurnParams(training=TrainingParams(bootstrap_replicates=100))
RANDOM = np.random.default_rng(6)
CHANCES = RANDOM.random(900)
LABELS = (RANDOM.random(900) < CHANCES).astype(int)
CUSTOMERS = np.arange(900) // 3


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(LABELS, CHANCES, CUSTOMERS, 0.3, PARAMS)


def test_every_figure_lies_within_its_interval(evaluation: Evaluation) -> None:
    assert list(evaluation.metrics) == list(TITLES)
    for figure in evaluation.metrics.values():
        assert figure.low < figure.value < figure.high


def test_rows_customers_and_offers_are_counted(evaluation: Evaluation) -> None:
    counted = (evaluation.rows, evaluation.customers, evaluation.churned)

    assert counted == (900, 300, LABELS.sum())
    assert evaluation.offers == (CHANCES >= 0.3).sum()


def test_profit_is_that_of_the_given_threshold(evaluation: Evaluation) -> None:
    offered = CHANCES >= 0.3
    saved = 0.3 * 300 * LABELS[offered].sum()

    profit = evaluation.metrics["profit"].value
    assert profit == pytest.approx(saved - 20 * offered.sum())


def test_the_interval_of_the_calibration_error_takes_the_bias_back(
    evaluation: Evaluation,
) -> None:
    # The chances are the true ones: what error there is, is noise.
    error = evaluation.metrics["calibration_error"]

    assert error.value - error.low > error.high - error.value
    assert error.low < 0.02


def test_an_evaluation_survives_json(evaluation: Evaluation) -> None:
    text = evaluation.model_dump_json()

    assert Evaluation.model_validate_json(text) == evaluation
    assert len(text) < 60_000


def test_a_threshold_for_nobody_survives_json() -> None:
    none = evaluate(LABELS, CHANCES, CUSTOMERS, NOBODY, PARAMS)

    again = Evaluation.model_validate_json(none.model_dump_json())
    assert (again.offers, again.metrics["profit"].value) == (0, 0)
    assert again.threshold == NOBODY


def test_curves_start_and_end_where_they_must(evaluation: Evaluation) -> None:
    curves = evaluation.curves

    assert (curves.roc[0], curves.roc[-1]) == ((0, 0), (1, 1))
    assert list(curves.precision_recall[-1]) == pytest.approx([1, LABELS.mean()])
    assert (curves.profit[0], curves.profit[-1][0]) == ((0, 0), 1)
    assert sum(rows for _, _, rows in curves.reliability) == 900
    assert max(map(len, (curves.roc, curves.precision_recall, curves.profit))) <= 201


def test_flat_figures_name_value_and_ends(evaluation: Evaluation) -> None:
    flat = evaluation.flat()

    assert flat["roc_auc_low"] == evaluation.metrics["roc_auc"].low
    assert {"threshold", "offers", "profit", "profit_high"} <= flat.keys()


def test_a_model_is_no_better_than_itself() -> None:
    difference = compare(LABELS, CHANCES, CHANCES, CUSTOMERS, PARAMS.training)

    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_pairing_makes_the_interval_of_a_difference_short() -> None:
    blurred = np.clip(CHANCES + RANDOM.normal(0, 0.1, 900), 0, 1)

    difference = compare(LABELS, CHANCES, blurred, CUSTOMERS, PARAMS.training)

    alone = evaluate(LABELS, CHANCES, CUSTOMERS, 0.3, PARAMS).metrics["roc_auc"]
    assert difference.low > 0
    assert difference.high - difference.low < (alone.high - alone.low) / 2


@pytest.mark.parametrize(("label", "word"), [(0, "stayed"), (1, "churned")])
def test_one_class_only_cannot_be_judged(label: int, word: str) -> None:
    with pytest.raises(ContractError, match=f"all 3 rows to judge on {word}"):
        evaluate([label] * 3, [0.1, 0.2, 0.3], [1, 2, 3], 0.5, PARAMS)
