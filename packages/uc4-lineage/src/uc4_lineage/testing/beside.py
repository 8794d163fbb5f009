"""Answers of two servers, made comparable: names of one test, no ids of their own."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
# By which of them an element of a list is known.
NAMES = (("id",), ("nodeId",), ("datasetVersionId",), ("origin", "destination"))
FIELD = ("namespace", "dataset", "name", "field")


def renamed(told: Any, mark: str) -> Any:
    """Return events whose namespaces, sources and runs nobody else has.

    Args:
        told: Events, or a part of them.
        mark: Goes before each namespace, inside a scheme.

    Examples:
        >>> renamed({"namespace": "s3://lake", "name": "orders"}, "t1")
        {'namespace': 's3://t1.lake', 'name': 'orders'}
    """
    if isinstance(told, list):
        return [renamed(each, mark) for each in told]
    if not isinstance(told, dict):
        return told
    return {key: _renamed(key, value, mark) for key, value in told.items()}


def _renamed(key: str, value: Any, mark: str) -> Any:
    if key == "namespace" and isinstance(value, str):
        return marked(value, mark)
    if key == "runId" and isinstance(value, str):
        return str(uuid5(NAMESPACE_URL, mark + value))
    if key == "dataSource":
        return {**value, "name": marked(value["name"], mark)}
    return renamed(value, mark)


def marked(namespace: str, mark: str) -> str:
    """Return a namespace of one run of the tests."""
    scheme, colon, rest = namespace.rpartition("://")
    return f"{scheme}{colon}{mark}.{rest}"


def differences(
    theirs: Any, ours: Any, ids: frozenset[str], place: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two answers differ: the place, what they say, what we say.

    Lists are compared by what their elements are called, whatever their order. What
    only we tell is no difference: a client does not look for it.

    Args:
        theirs: JSON of Marquez.
        ours: JSON of our server.
        ids: UUIDs that both must have; of others, that there is one is enough.
        place: Where in the answer this is.
    """
    if _plain(theirs, ids) is None:
        return
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            at = f"{place}.{key}".lstrip(".")
            yield from differences(value, ours.get(key), ids, at)
    elif isinstance(theirs, list) and isinstance(ours, list):
        yield from _between_lists(theirs, ours, ids, place)
    elif _plain(theirs, ids) != _plain(ours, ids):
        yield place, theirs, ours


def _between_lists(
    theirs: list[Any], ours: list[Any], ids: frozenset[str], place: str
) -> Iterator[tuple[str, Any, Any]]:
    known = {_called(each, ids): each for each in theirs}
    found = {_called(each, ids): each for each in ours}
    if known.keys() - found.keys():
        yield f"{place}[]", sorted(known), sorted(found)
    for name in known.keys() & found.keys():
        if isinstance(known[name], Mapping):
            yield from differences(known[name], found[name], ids, f"{place}[]")


def _called(element: Any, ids: frozenset[str]) -> str:
    """Return what an element of a list is called."""
    if not isinstance(element, Mapping):
        return str(_plain(element, ids))
    for names in NAMES:
        if all(name in element for name in names):
            return str([_shorn(element[name], ids) for name in names])
    if "job" in element:  # of the runs upstream of another
        return str(element["run"]["id"])
    return str([element.get(name) for name in FIELD])


def _shorn(value: Any, ids: frozenset[str]) -> Any:
    """Return an id without the version in it."""
    if isinstance(value, Mapping):
        return [value["namespace"], value["name"]]
    return _plain(value, ids)


def _plain(value: Any, ids: frozenset[str]) -> Any:
    """Return a value without what each server makes for itself."""
    if value in ({}, [], ""):
        return None
    if not isinstance(value, str):
        return value
    if TIME.match(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return UUID.sub(lambda found: found[0] if found[0] in ids else "a UUID", value)
