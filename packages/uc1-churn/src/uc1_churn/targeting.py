"""The target list: which of today's customers shall get an offer."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from duckdb import SQLExpression

from mlops_common.files import replacing
from uc1_churn.config import EconomicsParams
from uc1_churn.evaluation.economics import targets
from uc1_churn.features.schema import EVENT_TIMESTAMP, LABEL, FeatureTable
from uc1_churn.serving.predictor import load_predictor, score
from uc1_churn.tables import parquet
from uc1_churn.tables.parquet import quoted

ENTITY = "entity"
KNOWN = (EVENT_TIMESTAMP, LABEL)


def current_customers(table: FeatureTable, training_set: Path, target: Path) -> int:
    """Write the latest features of the customers who have not left.

    A customer whose latest row is known to have ended in churn has left.

    Args:
        table: The features of all customers.
        training_set: Parquet file with the known outcomes: the entity,
            `event_timestamp` and `label`.
        target: Parquet file to write: the entity and the features.

    Returns:
        The number of customers.

    Raises:
        BackendError: A file cannot be read, or the disk is full.
    """
    entity = quoted(table.columns.entity)
    key = SQLExpression(entity).alias(ENTITY)
    columns = [entity, *(quoted(name) for name in table.columns.features)]
    with parquet.session(target) as session:
        features = session.read_parquet(str(table.path)).select("*", key)
        outcomes = session.read_parquet(str(training_set))
        features.create_view("features")
        outcomes.select(key, *KNOWN).create_view("outcomes")
        current = session.sql(parquet.statement("current_customers"))
        parquet.write(current.select(", ".join(columns)), target)
    return int(pq.read_metadata(target).num_rows)


def rank(
    customers: Path,
    entity: str,
    model: Path,
    threshold: float,
    economics: EconomicsParams,
) -> pa.Table:
    """Return whom to make an offer, best first.

    Args:
        customers: Parquet file with the entity and the features.
        entity: Column that identifies a customer.
        model: Local folder of the model.
        threshold: Least probability that gets an offer.
        economics: Price, success rate, worth and capacity.

    Returns:
        The table of `economics.targets`.
    """
    keys = pq.read_table(customers, columns=[entity])[entity]
    chances = score(load_predictor(model), customers)
    return targets(keys, chances, economics, threshold=threshold, entity=entity)


def write(ranked: pa.Table, parquet_file: Path, csv_file: Path) -> None:
    """Write the list as Parquet and as CSV; each appears whole or not at all.

    Raises:
        BackendError: The disk is full or a folder cannot be written.
    """
    with replacing(parquet_file) as partial:
        pq.write_table(ranked, partial)
    with replacing(csv_file) as partial:
        pyarrow.csv.write_csv(ranked, partial)


def total(ranked: pa.Table) -> float:
    """Return the sum of what the offers of a list are expected to earn."""
    return float(pc.sum(ranked["expected_value"]).as_py() or 0.0)
