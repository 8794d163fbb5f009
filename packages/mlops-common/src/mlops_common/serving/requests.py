"""Inference requests, checked: what V1 and V2 clients send, as columns of values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from mlops_common.errors import ContractError
from mlops_common.serving.signature import ACCEPTED, Signature, text

OUTPUT = "probability"
MATRIX = 2  # dimensions


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to score.

    Attributes:
        id: Identifier of the request: the client's, or a new one.
        rows: Column to its n values, every column of the model.
        entities: Whom each row is about, if the client said so; n values.
        size: Number of rows, n.
    """

    id: str
    rows: dict[str, list[Any]]
    entities: list[str | None] | None
    size: int


def parsed(body: bytes) -> Any:
    """Return a JSON body.

    Raises:
        ContractError: It is not JSON.

    Examples:
        >>> parsed(b'{"id": "r1"}')
        {'id': 'r1'}
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            # NaN and Infinity are no JSON; the checks refuse them by column.
            return json.loads(body)
        except (ValueError, RecursionError):
            raise ContractError(f"the request is not JSON: {error}") from error


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
    body = _mapping(payload, "the request")
    tensors = _named(body.get("inputs"))
    _check_outputs(body.get("outputs"))
    extra = tensors.pop(signature.entity, None) if signature.entity else None
    entities = None if extra is None else _entities(signature.entity, _column(extra))
    matrix = _matrix(tensors, signature)
    if matrix is None:
        _expect(tensors, signature)
        columns = {name: _typed(tensors[name], signature) for name in signature.columns}
    else:
        columns = dict(zip(signature.columns, matrix, strict=True))
    return _batch(_identifier(body.get("id")), columns, entities, signature)


def from_instances(payload: Any, signature: Signature) -> Batch:
    """Return the batch of a V1 request: `{"instances": [row, …]}`.

    A row is an object with a value for each column, or the list of the values in the
    model's order. The protocol also calls the list `inputs`.

    Raises:
        ContractError: The request does not fit; names the column.

    Examples:
        >>> signature = Signature(("age",), {"age": "FP64"})
        >>> from_instances({"instances": [{"age": 41}, {"age": 7}]}, signature).rows
        {'age': [41.0, 7.0]}
    """
    body = _mapping(payload, "the request")
    instances = body.get("instances", body.get("inputs"))
    if not isinstance(instances, list) or not instances:
        raise ContractError('expected {"instances": [row, …]} with at least one row')
    entities = None
    if all(type(instance) is list for instance in instances):
        columns = _transposed(instances, signature)
    else:
        rows = [_mapping(row, f"row {i}") for i, row in enumerate(instances, 1)]
        if signature.entity and any(signature.entity in row for row in rows):
            named = [row.get(signature.entity) for row in rows]
            entities = _entities(signature.entity, named)
        columns = _gathered(rows, signature)
    return _batch(_identifier(body.get("id")), columns, entities, signature)


def _batch(
    identifier: str,
    columns: dict[str, list[Any]],
    entities: list[str | None] | None,
    signature: Signature,
) -> Batch:
    size = len(columns[signature.columns[0]])
    if not size:
        raise ContractError("expected at least one row, found none")
    lengths = {name: len(values) for name, values in columns.items()}
    if entities is not None:
        lengths[signature.entity] = len(entities)
    for name, length in lengths.items():
        if length != size:
            raise ContractError(
                f"column {name!r} has {length} rows, "
                f"{signature.columns[0]!r} has {size}"
            )
    rows = {name: signature.checked(name, values) for name, values in columns.items()}
    return Batch(identifier, rows, entities, size)


def _named(inputs: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(inputs, list):
        raise ContractError('expected {"inputs": [tensor, …]}')
    tensors: dict[str, Mapping[str, Any]] = {}
    for number, item in enumerate(inputs, 1):
        tensor = _mapping(item, f"input {number}")
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
        name = _mapping(output, "an output").get("name")
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


def _gathered(
    rows: list[Mapping[str, Any]], signature: Signature
) -> dict[str, list[Any]]:
    for number, row in enumerate(rows, 1):
        _expect(row, signature, f" in row {number}")
    return {name: [row[name] for row in rows] for name in signature.columns}


def _transposed(rows: list[list[Any]], signature: Signature) -> dict[str, list[Any]]:
    width = len(signature.columns)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise ContractError(
                f"row {number} has {len(row)} values; expected {width}: "
                f"{', '.join(signature.columns)}"
            )
    return {name: [row[i] for row in rows] for i, name in enumerate(signature.columns)}


def _expect(given: Mapping[str, Any], signature: Signature, place: str = "") -> None:
    known = signature.datatypes
    for name in signature.columns:
        if name not in given:
            raise ContractError(f"column {name!r} is missing{place}")
    for name in given:
        if name not in known and name != signature.entity:
            raise ContractError(
                f"unknown column {name!r}{place}; known: {', '.join(known)}"
            )


def _entities(name: str, values: list[Any]) -> list[str | None]:
    plain = [str(value) if type(value) is int else value for value in values]
    return text(name, plain)


def _identifier(given: Any) -> str:
    if given is None or given == "":
        return uuid4().hex
    if not isinstance(given, str):
        raise ContractError(f"`id` must be a text, found {given!r:.60}")
    text("id", [given])
    return given


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(f"{what} must be an object, found {value!r:.60}")
    return value
