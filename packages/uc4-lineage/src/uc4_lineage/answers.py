"""Answers as plain values that JSON can hold."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from uc4_lineage.node import Node


def plain(value: Any) -> Any:
    """Return an answer, or a part of it, as JSON holds it.

    A node becomes its id and its names, a time ISO 8601 in UTC, any other answer an
    object with its attributes and properties.

    Examples:
        >>> plain(Node.job("etl", "load"))["id"]
        'job:etl:load'
        >>> plain(datetime(2026, 1, 2, tzinfo=UTC))
        '2026-01-02T00:00:00Z'
    """
    for kind, form in FORMS.items():
        if isinstance(value, kind):
            return form(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(value)}
    return value


def iso(at: datetime) -> str:
    """Return a time in ISO 8601, in UTC, to the second or as exactly as it is known."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _node(node: Node) -> dict[str, str]:
    names = {"id": node.id, "kind": node.kind.value}
    names |= {"namespace": node.namespace, "name": node.name}
    return names | ({"field": node.field} if node.field else {})


def _names(value: Any) -> list[str]:
    known = type(value)
    properties = [n for n in dir(known) if isinstance(getattr(known, n), property)]
    return [*(one.name for one in fields(value)), *properties]


def _object(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): plain(part) for key, part in mapping.items()}


def _array(parts: Iterable[Any]) -> list[Any]:
    return [plain(part) for part in parts]


# A node before anything else: it is a dataclass.
FORMS: dict[type, Callable[[Any], Any]] = {
    Node: _node,
    Enum: lambda value: value.value,
    datetime: iso,
    UUID: str,
    Mapping: _object,
    list: _array,
    tuple: _array,
    AbstractSet: _array,
}
