"""Manifests: how they are read, and where they belong on an API server."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from mlops_common.testing.shared import shared

CRDS = "data/gitops/crds"


def custom_resources(system: str) -> list[dict[str, Any]]:
    """Return the definitions of a system's resources, from the shared files.

    Args:
        system: `kserve` or `argocd`.
    """
    return [
        document
        for file in sorted(shared(CRDS).glob(f"{system}_*.yaml.gz"))
        for document in documents(file)
    ]


def documents(file: Path) -> list[dict[str, Any]]:
    """Return the documents of a YAML file, which may be compressed."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        # The parser in C: a definition has thousands of lines.
        loaded = yaml.load_all(stream, Loader=yaml.CSafeLoader)
        return [document for document in loaded if document]


def path(request: Callable[[str, str], Any], document: Mapping[str, Any]) -> str:
    """Return the path of a resource on the server.

    Args:
        request: Asks the server: method, path.
        document: The resource.

    Raises:
        LookupError: The server does not know the kind.
    """
    version, kind = document["apiVersion"], document["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    for found in request("GET", root)["resources"]:
        if found["kind"] == kind and "/" not in found["name"]:
            name, metadata = found["name"], document["metadata"]
            if found["namespaced"]:
                namespace = metadata.get("namespace", "default")
                name = f"namespaces/{namespace}/{name}"
            return f"{root}/{name}/{metadata['name']}"
    raise LookupError(f"the server knows no {kind} of {version}")
