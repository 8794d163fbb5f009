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

    def check(self, event: Event) -> set[str]:
        """Return the names of the schemas of the facets of an event.

        Raises:
            ValidationError: The event, or a facet, is not as its schema wants it.
        """
        kind = "RunEvent" if "run" in event else "JobEvent"
        self._validate(event, f"{CORE}#/$defs/{kind}")
        seen = set()
        for facet in _facets(event):
            name = facet["_schemaURL"].replace(":", "/").rpartition("/")[2]
            self._validate(facet, self._references[name])
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


def _facets(value: Any) -> Iterator[dict[str, Any]]:
    """Yield whatever has a schema of its own, however deep."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for below in value.values():
            yield from _facets(below)
    elif isinstance(value, list):
        for below in value:
            yield from _facets(below)


def _references(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, schema in known.items():
        if name.startswith("urn:"):
            yield name.rpartition(":")[2], name
        for defined in schema.get("$defs", {}):
            yield defined, f"{name}#/$defs/{defined}"
