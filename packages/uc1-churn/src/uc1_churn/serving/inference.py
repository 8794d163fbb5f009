"""Asks an endpoint, in the words of the Open Inference Protocol (V2)."""

import json
import shlex
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlops_common.errors import BackendError
from mlops_common.refs import EndpointRef

TIMEOUT = 30.0  # seconds


def body(customers: pa.Table) -> dict[str, Any]:
    """Return the request that asks for a prediction of each row.

    Args:
        customers: n rows: the entity and the features; NULL is missing.

    Returns:
        One tensor of shape [n] for each column: `INT64`, `FP64` or `BYTES`.

    Examples:
        >>> body(pa.table({"age": [41.0]}))["inputs"]
        [{'name': 'age', 'shape': [1], 'datatype': 'FP64', 'data': [41.0]}]
    """
    return {
        "inputs": [
            {
                "name": name,
                "shape": [len(customers)],
                "datatype": _datatype(customers.schema.field(name).type),
                "data": customers[name].to_pylist(),
            }
            for name in customers.column_names
        ]
    }


def infer(endpoint: EndpointRef, customers: pa.Table) -> NDArray[np.float64]:
    """Return the (n,) probabilities with which an endpoint answers for n customers.

    Raises:
        BackendError: It cannot be reached, or does not answer as the protocol asks.
    """
    import httpx

    try:
        answer = httpx.post(
            endpoint.infer_url, json=body(customers), timeout=TIMEOUT, trust_env=False
        )
        answer.raise_for_status()
        data = answer.json()["outputs"][0]["data"]
    except httpx.HTTPStatusError as error:
        raise BackendError(
            f"{endpoint.infer_url} answered {error.response.status_code} where a "
            f"prediction was expected: {error.response.text}"
        ) from error
    except (httpx.HTTPError, ValueError, LookupError) as error:
        raise BackendError(
            f"{endpoint.infer_url} gave no prediction: {error!r}; `mlops status` shows "
            "whether it runs"
        ) from error
    return np.asarray(data, np.float64)


def curl(endpoint: EndpointRef, customers: pa.Table) -> str:
    """Return a shell command that asks for the same in the shorter V1 protocol."""
    text = json.dumps({"instances": customers.to_pylist()}, separators=(",", ":"))
    url = f"{endpoint.url}/v1/models/{endpoint.name}:predict"
    return f"curl -s {url} -d {shlex.quote(text)}"


def _datatype(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "INT64"
    return "FP64" if pa.types.is_floating(kind) else "BYTES"
