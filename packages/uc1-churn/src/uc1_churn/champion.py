"""Holds a new model against the one that serves, on the rows that neither saw."""

from pathlib import Path

import pyarrow.parquet as pq

from mlops_common.errors import ContractError
from uc1_churn import splitting
from uc1_churn.config import ChurnParams
from uc1_churn.evaluation import Estimate, compare
from uc1_churn.feature_schema import LABEL
from uc1_churn.serving import load_predictor


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
    rows = splitting.split(pq.read_table(table), entity, fraction).test.combine_chunks()
    columns = {name: rows[name].to_pylist() for name in rows.schema.names}
    new = load_predictor(challenger).predict(columns)
    try:
        old = load_predictor(champion).predict(columns)
    except ContractError as error:
        raise ContractError(
            f"the champion of {params.model_name!r} cannot score this table: {error}. "
            "Give the new kind of model another model_name, or remove the alias "
            f"{params.gate.champion_alias!r}"
        ) from error
    labels = rows[LABEL].to_numpy()
    return compare(labels, new, old, rows[entity], params.training)
