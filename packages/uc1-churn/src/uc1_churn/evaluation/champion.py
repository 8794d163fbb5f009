"""The version that serves: which it is, and how a new one compares with it."""

from pathlib import Path

import pyarrow.parquet as pq

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.logger import get_logger
from mlops_common.refs import ModelRef
from mlops_common.serving.base import Serving
from mlops_common.tracking import Tracking
from uc1_churn.config import ChurnParams
from uc1_churn.evaluation.holdout import Estimate, compare
from uc1_churn.features.schema import LABEL
from uc1_churn.serving.predictor import load_predictor
from uc1_churn.serving.scoring import probabilities
from uc1_churn.training import splitting

log = get_logger(__name__)


def reconciled(
    serving: Serving, tracking: Tracking, name: str, alias: str
) -> ModelRef | None:
    """Return the champion, after its alias was made to name the version that serves.

    A deploy that was killed between promoting a version and naming it champion leaves
    the alias at the version before. What serves passed the gate last.

    Args:
        serving: Where the model may be served under its name.
        tracking: Where its versions are.
        name: Of the model.
        alias: Of the champion. Where it does not exist there is no champion, and none
            is made.

    Raises:
        BackendError: The tracking store cannot be reached.
    """
    champion = tracking.champion(name, alias)
    served = _served(serving, name)
    if champion is None or served is None or served.version == champion.version:
        return champion
    try:
        known = tracking.version(name, served.version)
    except NotFoundError:
        known = None
    if known is None or known.digest != served.digest:
        log.warning("%s serves a version that is not registered: %s", name, served.uri)
        return champion
    log.warning(
        "%s serves version %d, but %r named version %d after an interrupted deploy; "
        "it names version %d now",
        *(name, served.version, alias, champion.version, served.version),
    )
    tracking.set_alias(known, alias)
    return known


def standing(serving: Serving, tracking: Tracking, name: str, alias: str) -> ModelRef:
    """Return the champion where nothing is to be trained, so that there must be one.

    Raises:
        NotFoundError: The alias names no version.
        BackendError: The tracking store cannot be reached.
    """
    champion = reconciled(serving, tracking, name, alias)
    try:
        return champion or tracking.resolve(name, alias)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error}; set gate.champion_alias to a known one, or run without "
            "skip_training, so that a model is trained"
        ) from error


def _served(serving: Serving, name: str) -> ModelRef | None:
    try:
        endpoint = serving.status(name).endpoint
    except NotFoundError:
        return None
    return None if endpoint is None else endpoint.model


def compare_with_champion(
    table: Path, challenger: Path, champion: Path, params: ChurnParams
) -> Estimate:
    """Return by how much the challenger's ROC AUC exceeds the champion's.

    The rows are those that `split` holds out of the table: the challenger was judged
    on them, and no earlier run of the same split learnt from them.

    Args:
        table: The training table of the challenger, a Parquet file.
        challenger: Local folder of the new model.
        champion: Local folder of the serving model.
        params: Of the run.

    Raises:
        ContractError: The champion needs a column that the table lacks, or the table
            cannot be split.
    """
    entity, fraction = params.dataset.entity, params.training.test_fraction
    rows = splitting.split(pq.read_table(table), entity, fraction).test
    new = probabilities(load_predictor(challenger), rows)
    try:
        old = probabilities(load_predictor(champion), rows)
    except ContractError as error:
        raise ContractError(
            f"the champion of {params.model_name!r} cannot score this table: {error}. "
            "Give the new kind of model another model_name, or remove the alias "
            f"{params.gate.champion_alias!r}"
        ) from error
    labels = rows[LABEL].to_numpy()
    return compare(labels, new, old, rows[entity], params.training)
