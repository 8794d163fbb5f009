"""Facets that OpenLineage does not have: `mlops_model`, `mlops_decision` and others."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any, TypeAlias

PREFIX = "mlops_"
PRODUCER = f"urn:mlops-pipelines:mlops-common:{version('mlops-common')}"
SCHEMAS = "urn:mlops-pipelines:lineage:1-0-0:{name}"
ANY = "MlopsFacet"  # the schema of a facet that has none of its own

Facets: TypeAlias = dict[str, Any]


def own_facets(values: Mapping[str, Any]) -> Facets:
    """Return our facets by their key.

    Args:
        values: What each says, by its name without the prefix.

    Examples:
        >>> own_facets({"attempt": {"number": 2}})["mlops_attempt"]["number"]
        2
    """
    return {
        PREFIX + _key(name): {
            **{k: v for k, v in value.items() if not k.startswith("_")},
            "_producer": PRODUCER,
            "_schemaURL": schema_url(_key(name)),
        }
        for name, value in values.items()
    }


def schema_url(name: str) -> str:
    """Return the URI of the schema of one of our facets, by its name.

    Examples:
        >>> schema_url("model")
        'urn:mlops-pipelines:lineage:1-0-0:MlopsModelFacet'
        >>> schema_url("anything")
        'urn:mlops-pipelines:lineage:1-0-0:MlopsFacet'
    """
    special = f"Mlops{name.title().replace('_', '')}Facet"
    return SCHEMAS.format(name=special if special in schemas() else ANY)


@cache
def schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON schemas of our facets, by the name of the file."""
    folder = files("mlops_common.lineage") / "schemas"
    found = (file for file in folder.iterdir() if file.name.endswith(".json"))
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text("utf-8"))
        for file in found
    }


def _key(name: str) -> str:
    return re.sub(r"\W+", "_", name.removeprefix(PREFIX)).strip("_").lower() or "facet"
