"""The Open Inference Protocol (V2): rows as tensors."""

from collections.abc import Mapping
from typing import Any

from mlops_common.errors import ContractError
from mlops_common.serving.batch import (
    Batch,
    collected,
    entities_of,
    expect,
    identifier,
    mapping,
)
from mlops_common.serving.signature import ACCEPTED, Signature

OUTPUT = "probability"
MATRIX = 2  # dimensions


def from_tensors(payload: Any, signature: Signature) -> Batch:
    """Return the batch of an Open Inference Protocol (V2) request.

    The model's inputs come as one tensor for each column, of shape [n] or [n, 1], or,
    where all columns are numeric, as one tensor of shape [n, columns] with any name
    that is not a column's.

    Raises:
        ContractError: The request does not fit; names the column.

    Examples:
        >>> signature = Signature(("age",), {"age": "FP64"})
        >>> tensor = {"name": "age", "shape": [2], "datatype": "FP64", "data": [41, 7]}
        >>> from_tensors({"id": "r1", "inputs": [tensor]}, signature).rows
        {'age': [41.0, 7.0]}
    """
    body = mapping(payload, "the request")
    tensors = _named(body.get("inputs"))
    _check_outputs(body.get("outputs"))
    extra = tensors.pop(signature.entity, None) if signature.entity else None
    entities = None if extra is None else entities_of(signature.entity, _column(extra))
    matrix = _matrix(tensors, signature)
    if matrix is None:
        expect(tensors, signature)
        columns = {name: _typed(tensors[name], signature) for name in signature.columns}
    else:
        columns = dict(zip(signature.columns, matrix, strict=True))
    return collected(identifier(body.get("id")), columns, entities, signature)


def _named(inputs: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(inputs, list):
        raise ContractError('expected {"inputs": [tensor, …]}')
    tensors: dict[str, Mapping[str, Any]] = {}
    for number, item in enumerate(inputs, 1):
        tensor = mapping(item, f"input {number}")
        name = tensor.get("name")
        if not isinstance(name, str):
            raise ContractError(f"input {number} has no name")
        if name in tensors:
            raise ContractError(f"column {name!r} is given twice")
        tensors[name] = tensor
    return tensors


def _check_outputs(outputs: Any) -> None:
    if outputs is None:
        return
    if not isinstance(outputs, list):
        raise ContractError("`outputs` must be a list")
    for output in outputs:
        name = mapping(output, "an output").get("name")
        if name != OUTPUT:
            raise ContractError(f"unknown output {name!r}; there is only {OUTPUT!r}")


def _matrix(
    tensors: Mapping[str, Mapping[str, Any]], signature: Signature
) -> list[list[Any]] | None:
    """Return the columns of a single 2-D tensor, or nothing if that was not sent."""
    if len(tensors) != 1:
        return None
    ((name, tensor),) = tensors.items()
    shape = _shape(tensor)
    if name in signature.datatypes or len(shape) != MATRIX:
        return None
    width = len(signature.columns)
    if not signature.numeric:
        texts = [c for c in signature.columns if signature.datatypes[c] == "BYTES"]
        raise ContractError(
            f"column {texts[0]!r} is no number: send one tensor for each column"
            if texts
            else "send one tensor for each column"
        )
    if shape[1] != width:
        raise ContractError(
            f"input {name!r} has shape {shape}; expected [n, {width}] for the columns "
            f"{', '.join(signature.columns)}"
        )
    _check_datatype(tensor, "FP64")
    values = _flat(tensor)
    return [values[column::width] for column in range(width)]


def _typed(tensor: Mapping[str, Any], signature: Signature) -> list[Any]:
    _check_datatype(tensor, signature.datatypes[tensor["name"]])
    return _column(tensor)


def _column(tensor: Mapping[str, Any]) -> list[Any]:
    shape = _shape(tensor)
    if len(shape) == 1 or (len(shape) == MATRIX and shape[1] == 1):
        return _flat(tensor)
    raise ContractError(
        f"column {tensor['name']!r} has shape {shape}; expected [n] or [n, 1]"
    )


def _check_datatype(tensor: Mapping[str, Any], wanted: str) -> None:
    found = tensor.get("datatype")
    if found not in ACCEPTED[wanted]:
        raise ContractError(
            f"column {tensor['name']!r} takes {wanted}, found datatype {found!r}"
        )


def _shape(tensor: Mapping[str, Any]) -> list[int]:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or any(
        type(length) is not int or length < 0 for length in shape
    ):
        raise ContractError(
            f"column {tensor['name']!r} needs a shape such as [1], found {shape!r:.60}"
        )
    return shape


def _flat(tensor: Mapping[str, Any]) -> list[Any]:
    """Return the elements in row-major order, nested or not, as many as the shape."""
    data = tensor.get("data")
    if not isinstance(data, list):
        raise ContractError(f"column {tensor['name']!r} needs a list of data")
    if data and type(data[0]) is list:
        if not all(type(row) is list for row in data):
            raise ContractError(f"column {tensor['name']!r} has ragged data")
        _check_rows(tensor, [len(row) for row in data])
        data = [value for row in data for value in row]
    shape = _shape(tensor)
    expected = 1
    for length in shape:
        expected *= length
    if len(data) != expected:
        raise ContractError(
            f"column {tensor['name']!r} has shape {shape} but {len(data)} values"
        )
    return data


def _check_rows(tensor: Mapping[str, Any], lengths: list[int]) -> None:
    shape = _shape(tensor)
    if len(shape) != MATRIX or set(lengths) != {shape[1]} or len(lengths) != shape[0]:
        raise ContractError(
            f"column {tensor['name']!r} has shape {shape} but {len(lengths)} rows of "
            f"{', '.join(map(str, sorted(set(lengths))))} values"
        )
