"""The V1 protocol: rows as JSON objects or lists."""

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
from mlops_common.serving.signature import Signature


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
    body = mapping(payload, "the request")
    instances = body.get("instances", body.get("inputs"))
    if not isinstance(instances, list) or not instances:
        raise ContractError('expected {"instances": [row, …]} with at least one row')
    entities = None
    if all(type(instance) is list for instance in instances):
        columns = _transposed(instances, signature)
    else:
        rows = [mapping(row, f"row {i}") for i, row in enumerate(instances, 1)]
        if signature.entity and any(signature.entity in row for row in rows):
            named = [row.get(signature.entity) for row in rows]
            entities = entities_of(signature.entity, named)
        columns = _gathered(rows, signature)
    return collected(identifier(body.get("id")), columns, entities, signature)


def _gathered(
    rows: list[Mapping[str, Any]], signature: Signature
) -> dict[str, list[Any]]:
    for number, row in enumerate(rows, 1):
        expect(row, signature, f" in row {number}")
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
