"""The OpenAPI file of Marquez, with its slips corrected."""

from typing import Any

FILE = "data/lineage/marquez_openapi/openapi.yml"
# Where the file says something else than what its own examples and Marquez show.
CORRECTIONS: dict[tuple[str, ...], Any] = {
    ("NodeType", "enum"): ["JOB", "DATASET", "DATASET_FIELD"],
    ("DatasetVersion", "properties", "tags"): {
        "type": "array",
        "items": {"type": "string"},
    },
    ("InputDatasetVersion", "properties", "facets", "additionalProperties"): {
        "$ref": "#/components/schemas/CustomFacet"
    },
    ("OutputDatasetVersion", "properties", "facets", "additionalProperties"): {
        "$ref": "#/components/schemas/CustomFacet"
    },
    ("FacetsResult", "properties", "facets"): {
        "type": "object",
        "additionalProperties": {"$ref": "#/components/schemas/CustomFacet"},
    },
    ("SearchResult", "properties", "name"): {"type": "string"},
    ("SearchResult", "properties", "updatedAt"): {
        "type": "string",
        "format": "date-time",
    },
    # Every dataset is a job too, as far as their schemas go: the type tells.
    ("GraphNode", "properties", "data"): {"type": "object"},
    ("GraphNode", "allOf"): [
        {
            "if": {"properties": {"type": {"const": kind}}},
            "then": {"properties": {"data": {"$ref": f"#/components/schemas/{name}"}}},
        }
        for kind, name in (("JOB", "Job"), ("DATASET", "Dataset"))
    ],
}


def corrected(declared: dict[str, Any]) -> dict[str, Any]:
    """Return what the file declares, with its slips corrected in place.

    Args:
        declared: Its content, as YAML has it.
    """
    schemas = declared["components"]["schemas"]
    for (name, *place), correct in CORRECTIONS.items():
        part = schemas[name]
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = correct
    return {**declared, "components": _nullable(declared["components"])}


def _nullable(schema: Any) -> Any:
    """Return a schema whose optional properties may be null, as in its examples."""
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _nullable(value) for key, value in schema.items() if key != "example"}
    required = found.get("required", [])
    if isinstance(found.get("properties"), dict) and isinstance(required, list):
        found["properties"] = {
            key: each if key in required else {"anyOf": [each, {"type": "null"}]}
            for key, each in found["properties"].items()
        }
    return found
