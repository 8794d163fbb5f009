"""Reads what was logged with a model version."""

from mlops_common.refs import ModelRef
from mlops_common.tracking import Tracking
from uc1_churn.evaluation.holdout import Evaluation

EVALUATION_FILE = "evaluation.json"
PLOTS = (
    "profit.png",
    "reliability.png",
    "roc.png",
    "precision_recall.png",
    "importance.png",
)


def logged_evaluation(tracking: Tracking, model: ModelRef) -> Evaluation:
    """Return how a version did on held-out rows.

    Raises:
        NotFoundError: Its run or the file is gone.
        BackendError: The store cannot be reached.
    """
    values = tracking.read_json(model.run_id, EVALUATION_FILE)
    return Evaluation.model_validate(values)


def logged_plots(tracking: Tracking, model: ModelRef) -> dict[str, bytes]:
    """Return the pictures of a version, PNG files by name."""
    return {name: tracking.read(model.run_id, f"plots/{name}") for name in PLOTS}
