"""The checks of events, held against the schemas that OpenLineage publishes."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)
from pydantic import ValidationError
from referencing import Registry, Resource

from mlops_common.lineage.event_schema import EventKind, event_validator
from mlops_common.testing.shared import shared

SPECIFICATION = "data/lineage/openlineage_spec"
PLACES = {
    "RunFacet": ("run", "facets"),
    "JobFacet": ("job", "facets"),
    "DatasetFacet": ("inputs", 0, "facets"),
    "InputDatasetFacet": ("inputs", 0, "inputFacets"),
    "OutputDatasetFacet": ("outputs", 0, "outputFacets"),
}
# A uri may be anything, as for the client and for Marquez.
FORMATS = FormatChecker(["date-time", "uuid"])
EXAMPLES = {"date-time": "2026-01-31T08:30:00Z", "uri": "https://example.com/a"}
EXAMPLES["uuid"] = "870492da-ecfb-4be0-91b9-9a89ddd3db90"
WRONG: tuple[Any, ...] = (17, "text", [], {}, True, 1.5, [3], {"a": 3})

Step = str | int


class Published:
    """The published schemas, and values made to fit them."""

    def __init__(self, folder: Path) -> None:
        files = [folder / "OpenLineage.json", *sorted(folder.glob("facets/*.json"))]
        self.schemas = {s["$id"]: s for s in (json.loads(f.read_text()) for f in files)}
        resources = ((k, Resource.from_contents(s)) for k, s in self.schemas.items())
        self.registry: Registry[Any] = Registry().with_resources(resources)
        self.core = next(
            key for key in self.schemas if key.endswith("OpenLineage.json")
        )

    def allows(self, event: Any) -> bool:
        """Whether an event and its known facets are as the schemas want them."""
        checks: dict[tuple[Step, ...], str] = {(): f"{self.core}#/$defs/RunEvent"}
        for name, base, key in self.facets():
            place = (*PLACES[base], key)
            if found(event, place):
                checks[place] = name
        return all(
            self._validator(name).is_valid(value_at(event, place))
            for place, name in checks.items()
        )

    def _validator(self, name: str) -> Draft202012Validator:
        return Draft202012Validator(
            {"$ref": name}, registry=self.registry, format_checker=FORMATS
        )

    def facets(self) -> Iterator[tuple[str, str, str]]:
        """Yield the reference to each facet, the class below it and its key."""
        for identifier, schema in self.schemas.items():
            if identifier == self.core:
                continue
            (key,) = schema["properties"]
            for name, declared in schema["$defs"].items():
                base = declared.get("allOf", [{}])[0].get("$ref", "").split("/")[-1]
                if base in PLACES:
                    yield f"{identifier}#/$defs/{name}", base, key

    def example(self, schema: Any, within: str, depth: int = 0) -> Any:
        """Return a value with every property that a schema declares."""
        if "$ref" in schema:
            reference, _, path = schema["$ref"].partition("#/$defs/")
            within = reference or within
            declared = self.schemas[within]["$defs"][path]
            return self.example(declared, within, depth + 1)
        for choice in ("oneOf", "anyOf"):
            if choice in schema and depth < 8:
                return self.example(schema[choice][0], within, depth + 1)
        parts = [self.example(part, within, depth) for part in schema.get("allOf", ())]
        value = self._plain(schema, within, depth)
        if isinstance(value, dict):
            for part in parts:
                value = part | value
        return value

    def _plain(self, schema: Any, within: str, depth: int) -> Any:
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if "format" in schema:
            return EXAMPLES[schema["format"]]
        if schema.get("type") == "array":
            return [self.example(schema["items"], within, depth)] if depth < 6 else []
        if schema.get("type") in {"string", "integer", "number", "boolean"}:
            kinds = {"string": "text", "integer": 3, "number": 2.5, "boolean": True}
            return kinds[schema["type"]]
        properties = schema.get("properties", {}).items()
        value = {k: self.example(s, within, depth) for k, s in properties}
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth < 6:
            value["other"] = self.example(more, within, depth)
        return value


def value_at(value: Any, place: tuple[Step, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


def found(value: Any, place: tuple[Step, ...]) -> bool:
    try:
        value_at(value, place)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def places(value: Any, above: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the place of every value in a value."""
    pairs = value.items() if isinstance(value, dict) else ()
    for step, inner in pairs if not isinstance(value, list) else enumerate(value):
        yield (*above, step)
        yield from places(inner, (*above, step))


def broken(event: Any, below: tuple[Step, ...]) -> Iterator[tuple[str, Any]]:
    """Yield events in which one value is another, or gone; some stay good."""
    for place in list(places(value_at(event, below), below)):
        *above, last = place
        for wrong in (*WRONG, None):
            changed = copy.deepcopy(event)
            holder = value_at(changed, tuple(above))
            if wrong is None:
                del holder[last]
            else:
                holder[last] = wrong
            yield f"{place} = {wrong}", changed


def event() -> dict[str, Any]:
    dataset = {"namespace": "db", "name": "t"}
    return {
        "eventTime": EXAMPLES["date-time"],
        "eventType": "COMPLETE",
        "producer": EXAMPLES["uri"],
        "schemaURL": EXAMPLES["uri"],
        "run": {"runId": EXAMPLES["uuid"], "facets": {}},
        "job": {"namespace": "etl", "name": "load", "facets": {}},
        "inputs": [dataset | {"facets": {}, "inputFacets": {}}],
        "outputs": [dataset | {"facets": {}, "outputFacets": {}}],
    }


def allowed(event: Any) -> bool:
    try:
        event_validator(EventKind.RUN).validate_python(event)
    except ValidationError:
        return False
    return True


@pytest.fixture(scope="module")
def published() -> Published:
    return Published(shared(SPECIFICATION))


def test_every_published_facet_is_checked_as_its_schema_asks(
    published: Published,
) -> None:
    differences, files = [], set()
    for name, base, key in published.facets():
        files.add(name.partition("#")[0])
        whole = event()
        value_at(whole, PLACES[base])[key] = published.example({"$ref": name}, name)
        assert published.allows(whole), name
        assert allowed(whole), name
        differences += [
            f"{name}: {change}"
            for change, changed in broken(whole, (*PLACES[base], key))
            if allowed(changed) != published.allows(changed)
        ]

    assert differences == []
    assert len(files) == len(published.schemas) - 1  # all but that of the event


def test_the_rest_of_an_event_is_checked_as_its_schema_asks(
    published: Published,
) -> None:
    whole = event()
    assert published.allows(whole)
    assert allowed(whole)

    differences = {
        change
        for change, changed in broken(whole, ())
        if allowed(changed) != published.allows(changed)
    }

    assert differences == {"('schemaURL',) = None"}  # as Marquez does without it
