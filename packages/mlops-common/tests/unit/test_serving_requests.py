import json
from math import isnan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.errors import ContractError
from mlops_common.serving.batch import Batch, parsed
from mlops_common.serving.instances import from_instances
from mlops_common.serving.signature import Signature
from mlops_common.serving.tensors import from_tensors

SIGNATURE = Signature(
    ("age", "visits", "member", "plan"),
    {"age": "FP64", "visits": "INT64", "member": "BOOL", "plan": "BYTES"},
    entity="customer_id",
)
NUMERIC = Signature(("a", "b"), {"a": "FP64", "b": "INT64"}, entity="customer_id")
ROW = {"age": 41.5, "visits": 3, "member": True, "plan": "pro"}


def tensor(name: str, data: list[Any], **fields: Any) -> dict[str, Any]:
    datatype = SIGNATURE.datatypes.get(name, "FP64")
    values = {"name": name, "shape": [len(data)], "datatype": datatype, "data": data}
    return {**values, **fields}


def request(**changes: Any) -> dict[str, Any]:
    """A V2 request for `ROW`; a change replaces a tensor, None leaves it out."""
    tensors = {name: tensor(name, [value]) for name, value in ROW.items()} | changes
    return {"inputs": [item for item in tensors.values() if item is not None]}


def test_tensors_become_columns_in_the_models_order() -> None:
    payload = request()
    payload["inputs"].reverse()

    batch = from_tensors(payload, SIGNATURE)

    assert list(batch.rows) == list(SIGNATURE.columns)
    assert batch.rows == {name: [value] for name, value in ROW.items()}
    assert batch.size == 1


def test_a_column_may_have_a_second_dimension_of_one() -> None:
    data = tensor("age", [[41.5]], shape=[1, 1])

    assert from_tensors(request(age=data), SIGNATURE).rows["age"] == [41.5]


def test_one_matrix_holds_numeric_columns_whatever_its_name() -> None:
    matrix = {"name": "x", "shape": [2, 2], "datatype": "FP64"}
    flat = from_tensors({"inputs": [{**matrix, "data": [1, 2, 3, 4]}]}, NUMERIC)
    nested = from_tensors({"inputs": [{**matrix, "data": [[1, 2], [3, 4]]}]}, NUMERIC)

    assert flat.rows == nested.rows == {"a": [1.0, 3.0], "b": [2, 4]}


def test_the_clients_id_is_kept_and_a_missing_one_is_made() -> None:
    named = from_tensors({**request(), "id": "r1"}, SIGNATURE)
    unnamed = {from_tensors(request(), SIGNATURE).id for _ in range(2)}

    assert named.id == "r1"
    assert len(unnamed) == 2
    assert all(unnamed)


@pytest.mark.parametrize(
    ("datatype", "data"), [("BYTES", ["c7"]), ("INT64", [7]), ("BYTES", [None])]
)
def test_the_entity_is_told_but_is_no_feature(datatype: str, data: list[Any]) -> None:
    entity = tensor("customer_id", data, datatype=datatype)

    batch = from_tensors(request(customer_id=entity), SIGNATURE)

    assert batch.entities == [None if data == [None] else str(data[0])]
    assert "customer_id" not in batch.rows


def test_a_missing_number_is_nan_and_a_missing_text_is_none() -> None:
    payload = request(age=tensor("age", [None]), plan=tensor("plan", [None]))

    rows = from_tensors(payload, SIGNATURE).rows

    assert isnan(rows["age"][0])
    assert rows["plan"] == [None]


def test_instances_are_objects_or_lists_in_the_models_order() -> None:
    objects = from_instances({"instances": [ROW, ROW]}, SIGNATURE)
    lists = from_instances({"inputs": [list(ROW.values())] * 2}, SIGNATURE)

    assert objects.rows == lists.rows
    assert objects.size == lists.size == 2


def test_instances_tell_whom_they_are_about() -> None:
    rows = [{**ROW, "customer_id": 7}, ROW]

    assert from_instances({"instances": rows}, SIGNATURE).entities == ["7", None]


BAD_TENSORS = {
    "column 'age' is missing": request(age=None),
    "unknown column 'agee'": request(agee=tensor("agee", [1.0])),
    "column 'age' is given twice": {"inputs": [tensor("age", [1.0])] * 2},
    "column 'age' takes FP64, found datatype 'BYTES'": request(
        age=tensor("age", ["old"], datatype="BYTES")
    ),
    "column 'age' takes numbers .FP64., found 'old'": request(
        age=tensor("age", ["old"])
    ),
    "column 'age' takes numbers .FP64., found True": request(age=tensor("age", [True])),
    "column 'age' takes finite numbers, found nan": request(
        age=tensor("age", [float("nan")])
    ),
    "column 'age' takes finite numbers, found -inf": request(
        age=tensor("age", [float("-inf")])
    ),
    "column 'age' holds a number beyond FP64": request(age=tensor("age", [10**400])),
    "column 'visits' takes whole numbers .INT64., found 1.5": request(
        visits=tensor("visits", [1.5])
    ),
    "column 'visits' takes whole numbers .INT64., found None": request(
        visits=tensor("visits", [None])
    ),
    "column 'visits' holds 9223372036854775808, beyond INT64": request(
        visits=tensor("visits", [2**63])
    ),
    "column 'member' takes true or false .BOOL., found 1": request(
        member=tensor("member", [1])
    ),
    "column 'plan' takes texts .BYTES., found 1": request(plan=tensor("plan", [1])),
    "column 'plan' holds a NUL": request(plan=tensor("plan", ["a\x00"])),
    "column 'plan' holds invalid Unicode": request(plan=tensor("plan", ["\ud800"])),
    "column 'age' has shape .2. but 1 values": request(
        age=tensor("age", [1.0], shape=[2])
    ),
    "column 'age' has shape .1, 2.; expected": request(
        age=tensor("age", [1.0, 2.0], shape=[1, 2])
    ),
    "column 'visits' has 2 rows, 'age' has 1": request(visits=tensor("visits", [1, 2])),
    "column 'customer_id' has 2 rows": request(
        customer_id=tensor("customer_id", ["a", "b"], datatype="BYTES")
    ),
    "column 'age' needs a shape such as .1., found 'x'": request(
        age=tensor("age", [1.0], shape="x")
    ),
    "column 'age' needs a list of data": request(age={**tensor("age", []), "data": 1}),
    "column 'age' has ragged data": request(
        age=tensor("age", [[1.0], 2.0], shape=[2, 1])
    ),
    "column 'age' has shape .2, 1. but 2 rows of 1, 2 values": request(
        age=tensor("age", [[1.0], [2.0, 3.0]], shape=[2, 1])
    ),
    "input 1 has no name": {"inputs": [{}]},
    "input 1 must be an object, found 1": {"inputs": [1]},
    "expected .*inputs": {"instances": []},
    "the request must be an object, found .1.": [1],
    "`id` must be a text, found 1": {**request(), "id": 1},
    "unknown output 'p'; there is only 'probability'": {
        **request(),
        "outputs": [{"name": "p"}],
    },
    "`outputs` must be a list": {**request(), "outputs": 1},
}


@pytest.mark.parametrize("message", BAD_TENSORS)
def test_a_bad_tensor_is_refused_by_name(message: str) -> None:
    with pytest.raises(ContractError, match=message):
        from_tensors(BAD_TENSORS[message], SIGNATURE)


def test_a_matrix_needs_numeric_columns_of_its_width() -> None:
    matrix = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}

    with pytest.raises(ContractError, match=r"expected \[n, 2\] .* a, b"):
        from_tensors({"inputs": [matrix]}, NUMERIC)
    with pytest.raises(ContractError, match="column 'plan' is no number"):
        from_tensors({"inputs": [matrix]}, SIGNATURE)


def test_no_rows_are_refused() -> None:
    empty = {name: tensor(name, []) for name in ROW}

    with pytest.raises(ContractError, match="at least one row"):
        from_tensors(request(**empty), SIGNATURE)


BAD_INSTANCES: dict[str, Any] = {
    "column 'plan' is missing in row 2": [
        ROW,
        {name: value for name, value in ROW.items() if name != "plan"},
    ],
    "at least one row": [],
    "unknown column 'x' in row 1": [{**ROW, "x": 1}],
    "row 1 has 1 values; expected 4: age, visits, member, plan": [[1]],
    "row 2 must be an object": [ROW, 1],
    "column 'age' takes numbers": [{**ROW, "age": "old"}],
}


@pytest.mark.parametrize("message", BAD_INSTANCES)
def test_a_bad_instance_is_refused_by_name(message: str) -> None:
    with pytest.raises(ContractError, match=message):
        from_instances({"instances": BAD_INSTANCES[message]}, SIGNATURE)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a": 1'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ContractError, match="not JSON"):
        parsed(body)


rows = st.fixed_dictionaries(
    {
        "age": st.floats(allow_nan=False, allow_infinity=False),
        "visits": st.integers(-(2**63), 2**63 - 1),
        "member": st.booleans(),
        "plan": st.text(st.characters(exclude_categories=["Cs"])).filter(
            lambda text: "\x00" not in text
        ),
    }
)


@given(st.lists(rows, min_size=1, max_size=5))
def test_both_protocols_carry_any_values_unchanged(
    values: list[dict[str, Any]],
) -> None:
    columns = {name: [row[name] for row in values] for name in SIGNATURE.columns}
    tensors = {"inputs": [tensor(name, data) for name, data in columns.items()]}

    def sent(payload: Any) -> Any:
        return parsed(json.dumps(payload).encode())

    assert from_tensors(sent(tensors), SIGNATURE).rows == columns
    assert from_instances(sent({"instances": values}), SIGNATURE).rows == columns


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "shape", "datatype", "data", "age", "id"]), inner
        )
    ),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["inputs", "instances", "id", "outputs"]))
def test_any_json_is_answered_or_refused(value: Any, key: str) -> None:
    for payload in (value, {key: value}, {**request(), key: value}):
        for read in (from_tensors, from_instances):
            try:
                assert isinstance(read(payload, SIGNATURE), Batch)
            except ContractError as error:
                assert str(error)  # noqa: PT017 - either outcome is right


class Typed:
    def __init__(self) -> None:
        self.columns: tuple[str, ...] = ("age", "plan")
        self.datatypes = {"plan": "BYTES"}

    def predict(self, rows: Any) -> Any:
        return rows


def test_columns_without_a_declared_type_are_numbers() -> None:
    signature = Signature.of(Typed(), entity="customer_id")

    assert signature.datatypes == {"age": "FP64", "plan": "BYTES"}
    assert not signature.numeric
    assert signature.entity == "customer_id"


def test_an_entity_that_is_a_feature_is_a_feature() -> None:
    assert Signature.of(Typed(), entity="age").entity == ""


def test_a_predictor_with_an_unknown_type_is_refused() -> None:
    predictor = Typed()
    predictor.datatypes = {"plan": "TEXT"}

    with pytest.raises(ContractError, match="column 'plan' has the type 'TEXT'"):
        Signature.of(predictor)


def test_a_predictor_without_columns_is_refused() -> None:
    predictor = Typed()
    predictor.columns = ()

    with pytest.raises(ContractError, match="columns must be named"):
        Signature.of(predictor)
