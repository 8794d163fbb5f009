"""Which field each field is made from, as jobs tell it now or had told it at a time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from mlops_common.lineage.store import facets
from uc4_lineage.columns import ColumnGraph, Origin
from uc4_lineage.questions.history import graph_at
from uc4_lineage.reading import Reader

IDENTITY = 7  # of the attributes of an origin, the first: what two may not share


def column_graph(reader: Reader, at: datetime | None = None) -> ColumnGraph:
    """Return the origins of fields, on top of the graph of the same time.

    Args:
        reader: Reads the store.
        at: A time with its zone; now when omitted.

    Raises:
        NotFoundError: There is no lineage yet.
        BackendError: The store cannot be read.
    """
    if at is None:
        rows = reader.rows("origins")
        origins = [Origin(-job, *rest) for job, *rest in rows]
    else:
        origins = origins_at(reader, at)
    return ColumnGraph(graph_at(reader, at), origins)


def told_origins(
    reader: Reader, rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[UUID, Origin]]:
    """Yield the origins that runs told, each with its run.

    What was made from a dataset that the store does not know is left out.

    Args:
        reader: Reads the store.
        rows: Run, job, output and what the run told of its columns.

    Raises:
        BackendError: The store cannot be read.
    """
    keys: dict[tuple[str, str], int | None] = {}
    for run, job, output, facet in rows:
        for one in facets.origins(facet):
            if one.input not in keys:
                keys[one.input] = key_of(reader, *one.input)
            key = keys[one.input]
            if key is not None:
                yield run, Origin(-job, output, one.output_field, key, *one[2:])


def key_of(reader: Reader, namespace: str, name: str) -> int | None:
    """Return the key of a dataset; nothing where the store does not know it."""
    rows = reader.rows("dataset_key", namespace=namespace, name=name)
    return rows[0][0] if rows else None


def origins_at(reader: Reader, at: datetime) -> list[Origin]:
    """Return the origins of a time; of one that was told twice, as it was told last.

    Args:
        reader: Reads the store.
        at: A time with its zone.

    Raises:
        BackendError: The store cannot be read.
    """
    told = told_origins(reader, reader.rows("origins_at", at=at))
    latest = {one[:IDENTITY]: one for _, one in told}
    hidden = {key for (key,) in reader.rows("hidden")}
    return [latest[key] for key in sorted(latest) if latest[key].input not in hidden]
