"""Datasets, their versions and their tags."""

from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from mlops_common.errors import NotFoundError
from uc4_lineage.marquez_api.parameters import (
    Asking,
    Limit,
    Name,
    Offset,
    absent,
    shown,
)
from uc4_lineage.marquez_api.queries import Queries

router = APIRouter(prefix="/namespaces/{namespace}/datasets")
ONE = "/{dataset}"
WHOLE = ""  # the field of a tag that is on the dataset itself


@router.get("")
def datasets(
    asking: Asking, namespace: Name, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """List the datasets of a namespace by name."""
    if asking.json("namespace", namespace=namespace) is None:
        raise NotFoundError(f"Namespace '{namespace}' not found.")
    page = {"limit": limit, "offset": offset}
    return shown(asking.json("datasets", namespace=namespace, **page), "")


@router.get(ONE)
def dataset(asking: Asking, namespace: Name, dataset: Name) -> Response:
    """Show a dataset, by any of its names."""
    return _shown(asking, namespace, dataset)


@router.delete(ONE)
def delete_dataset(asking: Asking, namespace: Name, dataset: Name) -> Response:
    """Hide a dataset until an event names it again."""
    answer = _shown(asking, namespace, dataset)
    asking.change("delete_dataset", namespace=namespace, dataset=dataset)
    return answer


@router.get(ONE + "/versions")
def versions(
    asking: Asking,
    namespace: Name,
    dataset: Name,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List the versions of a dataset, the newest first."""
    which = {"namespace": namespace, "dataset": dataset}
    found = asking.json("dataset_versions", **which, limit=limit, offset=offset)
    return shown(found, absent(asking, "Dataset", dataset, namespace))


@router.get(ONE + "/versions/{version}")
def version(asking: Asking, namespace: Name, dataset: Name, version: UUID) -> Response:
    """Show a version of a dataset."""
    _shown(asking, namespace, dataset)
    which = {"namespace": namespace, "dataset": dataset, "version": version}
    found = asking.json("dataset_version", **which)
    return shown(found, f"Dataset version '{version}' not found.")


@router.post(ONE + "/tags/{tag}")
def tag(asking: Asking, namespace: Name, dataset: Name, tag: Name) -> Response:
    """Put a tag on a dataset."""
    return _tagged(asking, namespace, dataset, WHOLE, tag)


@router.delete(ONE + "/tags/{tag}")
def untag(asking: Asking, namespace: Name, dataset: Name, tag: Name) -> Response:
    """Take a tag off a dataset."""
    return _untagged(asking, namespace, dataset, WHOLE, tag)


@router.post(ONE + "/fields/{field}/tags/{tag}")
def tag_field(
    asking: Asking, namespace: Name, dataset: Name, field: Name, tag: Name
) -> Response:
    """Put a tag on a field of a dataset."""
    return _tagged(asking, namespace, dataset, field, tag)


@router.delete(ONE + "/fields/{field}/tags/{tag}")
def untag_field(
    asking: Asking, namespace: Name, dataset: Name, field: Name, tag: Name
) -> Response:
    """Take a tag off a field of a dataset."""
    return _untagged(asking, namespace, dataset, field, tag)


def _shown(asking: Queries, namespace: str, dataset: str) -> Response:
    found = asking.json("dataset", namespace=namespace, dataset=dataset)
    missing = "" if found else absent(asking, "Dataset", dataset, namespace)
    return shown(found, missing)


def _tagged(
    asking: Queries, namespace: str, dataset: str, field: str, tag: str
) -> Response:
    _check_field(asking, namespace, dataset, field)
    which = {"namespace": namespace, "dataset": dataset, "field": field}
    told = {"tag": tag.upper(), "description": None}
    asking.change("put_tag", "tag_dataset", **which, **told)
    return _shown(asking, namespace, dataset)


def _untagged(
    asking: Queries, namespace: str, dataset: str, field: str, tag: str
) -> Response:
    _check_field(asking, namespace, dataset, field)
    which = {"namespace": namespace, "dataset": dataset, "field": field}
    asking.change("untag_dataset", **which, tag=tag.upper())
    return _shown(asking, namespace, dataset)


def _check_field(asking: Queries, namespace: str, dataset: str, field: str) -> None:
    """Complain about a dataset or a field of it that is not there."""
    told = orjson.loads(_shown(asking, namespace, dataset).body)
    if field != WHOLE and field not in {each["name"] for each in told["fields"]}:
        raise NotFoundError(f"Field '{field}' not found for dataset '{dataset}'.")
