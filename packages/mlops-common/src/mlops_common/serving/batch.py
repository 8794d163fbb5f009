"""Rows to score, whichever protocol brought them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from mlops_common.errors import ContractError
from mlops_common.serving.signature import Signature, text


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


def collected(
    identifier: str,
    columns: dict[str, list[Any]],
    entities: list[str | None] | None,
    signature: Signature,
) -> Batch:
    """Return the batch of these columns, their values checked.

    Raises:
        ContractError: A value does not fit, or the lengths differ; names the column.
    """
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


def expect(given: Mapping[str, Any], signature: Signature, place: str = "") -> None:
    """Check that every column of the model is given, and nothing else.

    Raises:
        ContractError: Names the column, and `place`.
    """
    known = signature.datatypes
    for name in signature.columns:
        if name not in given:
            raise ContractError(f"column {name!r} is missing{place}")
    for name in given:
        if name not in known and name != signature.entity:
            raise ContractError(
                f"unknown column {name!r}{place}; known: {', '.join(known)}"
            )


def entities_of(name: str, values: list[Any]) -> list[str | None]:
    """Return whom the rows are about, as texts; None where that is not told.

    Raises:
        ContractError: A value is neither a text nor a whole number.
    """
    plain = [str(value) if type(value) is int else value for value in values]
    return text(name, plain)


def identifier(given: Any) -> str:
    """Return the client's identifier of a request, or a new one.

    Raises:
        ContractError: It is no text.
    """
    if given is None or given == "":
        return uuid4().hex
    if not isinstance(given, str):
        raise ContractError(f"`id` must be a text, found {given!r:.60}")
    text("id", [given])
    return given


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return `value` if it is a JSON object.

    Raises:
        ContractError: It is not; `what` names it.
    """
    if not isinstance(value, dict):
        raise ContractError(f"{what} must be an object, found {value!r:.60}")
    return value
