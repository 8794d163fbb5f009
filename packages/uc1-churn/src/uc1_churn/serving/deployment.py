"""Checks a staged endpoint before it may answer customers."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from mlops_common.refs import EndpointRef
from uc1_churn.config import ServingParams
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.features.schema import FeatureTable
from uc1_churn.serving import inference, parity
from uc1_churn.serving.parity import Parity


def check(
    endpoint: EndpointRef,
    model: Path,
    table: FeatureTable,
    store: FeatureStore,
    params: ServingParams,
) -> tuple[Parity, Parity]:
    """Compare online with offline for a sample of customers.

    The offline probability comes from the stored pipeline itself, not from the
    faster form of it that serves.

    Args:
        endpoint: The staged version; the first request is the smoke test.
        model: Local folder of the model.
        table: The features as they are offline.
        store: Where they are online.
        params: Size of the sample, and the tolerance.

    Returns:
        The parity of the features, and that of the probabilities.

    Raises:
        RefusedError: A column, or the probability, differs; names the customer.
        BackendError: The endpoint does not answer.
    """
    key = table.columns.entity
    offline = parity.sample(table, params.parity_sample)
    online = store.online(table.columns, offline[key].to_pylist())
    tolerance = params.parity_tolerance
    features = parity.compare(offline, online, key=key, tolerance=tolerance)
    served = _scored(online, key, inference.infer(endpoint, online))
    expected = _scored(offline, key, _pipeline_probabilities(model, offline, key))
    return features, parity.compare(expected, served, key=key, tolerance=tolerance)


def _pipeline_probabilities(model: Path, customers: pa.Table, key: str) -> Any:
    from uc1_churn.serving.predictor import MODEL_FILE, load_pipeline
    from uc1_churn.training.fitting import probabilities

    return probabilities(load_pipeline(model / MODEL_FILE), customers, key)


def _scored(customers: pa.Table, key: str, probability: Any) -> pa.Table:
    return pa.table({key: customers[key], "probability": probability})
