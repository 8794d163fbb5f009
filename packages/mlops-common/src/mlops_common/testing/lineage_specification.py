"""Events held against the JSON schemas that OpenLineage publishes, and ours."""

import json
from collections.abc import Iterator
from typing import Any

from mlops_common.lineage.facets.own import schemas
from mlops_common.lineage.receivers.base import Event
from mlops_common.testing.shared import shared

FORMATS = ("date-time", "uri", "uuid")  # all that the schemas name

FOLDER = "data/lineage/openlineage_spec"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


class Specification:
    """The schema of an event, and of each facet by its name."""

    def __init__(self) -> None:
        """Read the schemas; skips the test where they are absent."""
        from referencing import Registry, Resource

        folder = shared(FOLDER)
        files = [folder / "OpenLineage.json", *(folder / "facets").glob("*.json")]
        found = [json.loads(file.read_text("utf-8")) for file in files]
        known = {one["$id"]: one for one in [*found, *schemas().values()]}
        self._registry: Registry[Any] = Registry().with_resources(
            (name, Resource.from_contents(schema)) for name, schema in known.items()
        )
        self._references = dict(_references(known))
        self._slots = dict(_slots(known))

    def check(self, event: Event) -> set[str]:
        """Return the names of the schemas of the facets of an event.

        Raises:
            ValidationError: The event, or a facet, is not as its schema wants it.
            AssertionError: A facet has another name than its schema gives it.
        """
        kind = "RunEvent" if "run" in event else "JobEvent"
        self._validate(event, f"{CORE}#/$defs/{kind}")
        seen = set()
        for slot, facet in _facets(event):
            name = facet["_schemaURL"].replace(":", "/").rpartition("/")[2]
            self._validate(facet, self._references[name])
            assert self._slots.get(name, slot) == slot, f"{name} is told as {slot}"
            seen.add(name)
        return seen

    def _validate(self, value: Any, reference: str) -> None:
        from jsonschema import (  # type: ignore[import-untyped]
            Draft202012Validator,
            FormatChecker,
        )

        Draft202012Validator(
            {"$ref": reference},
            registry=self._registry,
            format_checker=FormatChecker(FORMATS),
        ).validate(value)


def _facets(value: Any, slot: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield whatever has a schema of its own, however deep, with its name."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield slot, value
        for name, below in value.items():
            yield from _facets(below, name)
    elif isinstance(value, list):
        for below in value:
            yield from _facets(below)


def _slots(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of each facet's schema, and that of the facet in an event."""
    for schema in known.values():
        for slot, facet in schema.get("properties", {}).items():
            if facet.get("$ref", "").startswith("#/$defs/"):
                yield facet["$ref"].rpartition("/")[2], slot


def _references(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, schema in known.items():
        if name.startswith("urn:"):
            yield name.rpartition(":")[2], name
        for defined in schema.get("$defs", {}):
            yield defined, f"{name}#/$defs/{defined}"
