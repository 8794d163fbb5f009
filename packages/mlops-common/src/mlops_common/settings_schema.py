"""The JSON Schema of `config.yaml`: settings, and the params of each use case."""

from typing import Any

from mlops_common.settings import Settings
from mlops_common.use_case import installed


def schema() -> dict[str, Any]:
    """Return the schema, with a section for each installed use case.

    Examples:
        >>> "postgres" in schema()["properties"]
        True
    """
    merged = Settings.model_json_schema()
    merged["title"] = "config.yaml of mlops-pipelines"
    merged["required"] = []
    definitions = merged.setdefault("$defs", {})
    properties = merged["properties"]
    for name, case in installed().items():
        section = case.load_params().model_json_schema()
        definitions |= section.pop("$defs", {})
        definitions[name] = section
        properties[name] = {"$ref": f"#/$defs/{name}"}
    blocks = {key: value for key, value in properties.items() if key != "environment"}
    properties["environments"] = {
        "type": "object",
        "description": "Blocks that overlay the sections, by name of environment.",
        "additionalProperties": {"type": "object", "properties": blocks},
    }
    return merged
