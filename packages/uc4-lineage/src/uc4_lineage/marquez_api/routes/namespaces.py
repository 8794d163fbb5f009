"""Namespaces, which jobs and datasets are grouped by."""

import re

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from mlops_common.errors import ContractError, NotFoundError
from uc4_lineage.marquez_api.parameters import Asking, Limit, Name, Offset, Text, shown

router = APIRouter()

ALLOWED = re.compile(r"[\w:/.@+\-=;]{1,1024}", re.ASCII)


class CreatedNamespace(BaseModel):
    """What may be told of a namespace."""

    ownerName: Text = Field(max_length=1024)  # noqa: N815 - as the API calls it
    description: Text | None = None


@router.get("/namespaces")
def namespaces(asking: Asking, limit: Limit = 100, offset: Offset = 0) -> Response:
    """List all namespaces by name."""
    return shown(asking.json("namespaces", limit=limit, offset=offset), "")


@router.get("/namespaces/{namespace}")
def namespace(asking: Asking, namespace: Name) -> Response:
    """Show a namespace, deleted or not."""
    found = asking.json("namespace", namespace=namespace)
    return shown(found, f"Namespace '{namespace}' not found.")


@router.put("/namespaces/{namespace}")
def put_namespace(asking: Asking, namespace: Name, told: CreatedNamespace) -> Response:
    """Create a namespace, or change its owner and description."""
    if not ALLOWED.fullmatch(namespace):
        raise ContractError(
            f"namespace {namespace!r}: expected 1 to 1024 letters, digits and "
            "_ - : / . @ + = ;"
        )
    values = {"owner": told.ownerName, "description": told.description}
    asking.change("put_namespace", namespace=namespace, **values)
    return shown(asking.json("namespace", namespace=namespace), namespace)


@router.delete("/namespaces/{namespace}")
def delete_namespace(asking: Asking, namespace: Name) -> Response:
    """Hide a namespace, its jobs and datasets, until an event names them again."""
    if not asking.change("delete_namespace", namespace=namespace):
        raise NotFoundError(f"Namespace '{namespace}' not found.")
    return shown(asking.json("namespace", namespace=namespace), namespace)
