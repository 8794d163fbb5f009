"""What events told of datasets, by now or by a time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from mlops_common.lineage.store.facets import is_deleted
from uc4_lineage.reading import LAST, Reader


def facets_of(
    reader: Reader,
    names: Collection[str],
    at: datetime | None = None,
    dataset: int | None = None,
) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the newest facets that were told by a time.

    Args:
        reader: Reads the store.
        names: Of the facets.
        at: A time with its zone; now when omitted.
        dataset: Key of the only dataset to look at; all of them when omitted.

    Returns:
        The facets by key of the dataset and name, without what is no object, and
        without those that were deleted.

    Raises:
        BackendError: The store cannot be read.
    """
    asked = {"names": list(names), "at": at or LAST, "dataset": dataset}
    return {
        (key, name): facet
        for key, name, facet in reader.rows("facets_at", **asked)
        if isinstance(facet, dict) and not is_deleted(facet)
    }


def columns_at(
    reader: Reader, at: datetime, dataset: int | None = None
) -> dict[tuple[int, str], str]:
    """Return the type of each column that a schema had at a time, or an empty one.

    Args:
        reader: Reads the store.
        at: A time with its zone.
        dataset: As of `facets_of`.

    Returns:
        Types by key of the dataset and name of the column.

    Raises:
        BackendError: The store cannot be read.
    """
    schemas = facets_of(reader, ["schema"], at, dataset)
    return {
        (key, field["name"]): str(field.get("type") or "")
        for (key, _), schema in schemas.items()
        for field in _objects(schema.get("fields"))
        if isinstance(field.get("name"), str) and field["name"]
    }


def _objects(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else []
    return [one for one in items if isinstance(one, dict)]
