import json
import shlex

import pyarrow as pa
import pytest

from mlops_common.errors import BackendError
from mlops_common.refs import EndpointRef, ModelRef
from uc1_churn.serving.inference import body, curl, infer

CUSTOMER = pa.table(
    {"customer_id": [7], "age": [None], "gender": ["fe'male"]},
    schema=pa.schema(
        {"customer_id": pa.int64(), "age": pa.float64(), "gender": pa.string()}
    ),
)


def endpoint(url: str = "http://127.0.0.1:9") -> EndpointRef:
    model = ModelRef(name="churn", version=1, run_id="", uri="", digest="")
    return EndpointRef(name="churn", url=url, model=model)


def test_a_request_has_one_tensor_for_each_column_and_null_where_nothing_is_known() -> (
    None
):
    inputs = {tensor["name"]: tensor for tensor in body(CUSTOMER)["inputs"]}

    assert inputs["customer_id"]["datatype"] == "INT64"
    assert inputs["age"] == {
        "name": "age",
        "shape": [1],
        "datatype": "FP64",
        "data": [None],
    }
    assert inputs["gender"]["datatype"] == "BYTES"


def test_the_curl_line_survives_a_shell() -> None:
    words = shlex.split(curl(endpoint(), CUSTOMER))

    assert words[2] == "http://127.0.0.1:9/v1/models/churn:predict"
    assert json.loads(words[4])["instances"][0]["gender"] == "fe'male"


def test_an_endpoint_that_does_not_answer_is_named() -> None:
    with pytest.raises(BackendError, match="churn/infer gave no prediction"):
        infer(endpoint(), CUSTOMER)
