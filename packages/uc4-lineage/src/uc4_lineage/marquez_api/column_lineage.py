"""The lineage of fields: what each was made from, and what was made from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.node import Node

PLACE = ("namespace", "dataset", "datasetVersion", "field")


class Column(NamedTuple):
    """A field of a dataset.

    Attributes:
        dataset: Id of the dataset.
        field: Name of the field.
    """

    dataset: int
    field: str


class Made(NamedTuple):
    """How one field came into another.

    Attributes:
        origin: The field that was read.
        result: The field that was written.
        description: Of the transformation, if it is told.
        type: Such as IDENTITY or AGGREGATION, if it is told.
    """

    origin: Column
    result: Column
    description: str | None
    type: str | None


class Named(NamedTuple):
    """What is shown of the dataset of a field.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        types: Of its fields, by name.
        version: The one that was current.
    """

    namespace: str
    name: str
    types: Mapping[str, Any]
    version: str


@dataclass
class ColumnLineage:
    """Walks from field to field, an edge at a time.

    Attributes:
        queries: Of the API.
        until: Only what was told until then; all when omitted.
        made: The edges that were met.
    """

    queries: Queries
    until: datetime | None = None
    made: dict[tuple[Column, Column], Made] = field(default_factory=dict)

    def follow(self, starts: Iterable[Column], statement: str, depth: int) -> None:
        """Follow the edges from some fields.

        Args:
            starts: Where to begin.
            statement: `columns_up` to the origins, `columns_down` to the results.
            depth: Most edges to follow.
        """
        met = set(starts)
        latest = met
        for _ in range(depth):
            found = self._step(latest, statement)
            ends = {end for made in found for end in (made.origin, made.result)}
            latest = ends - met
            if not latest:
                return
            met |= latest

    def _step(self, columns: Iterable[Column], statement: str) -> list[Made]:
        places = sorted(columns)
        rows = self.queries.rows(
            statement,
            datasets=[place.dataset for place in places],
            fields=[place.field for place in places],
            until=self.until,
        )
        found = [Made(Column(*row[:2]), Column(*row[2:4]), *row[4:]) for row in rows]
        self.made.update({(made.origin, made.result): made for made in found})
        return found

    def graph(self) -> list[dict[str, Any]]:
        """Return the nodes of the fields that were met, as Marquez shows them."""
        columns = {column for pair in self.made for column in pair}
        datasets = sorted({column.dataset for column in columns})
        rows = self.queries.rows("column_types", datasets=datasets, until=self.until)
        named = {key: Named(*told) for key, *told in rows}
        shown = _Shown(named)
        nodes = {column: shown.node(column) for column in columns}
        for made in self.made.values():
            shown.connect(nodes, made)
        return sorted(nodes.values(), key=lambda node: str(node["id"]))


class _Shown:
    """Fields and edges as Marquez shows them.

    Args:
        named: Each dataset, by its id.
    """

    def __init__(self, named: Mapping[int, Named]) -> None:
        self._named = named

    def id(self, column: Column) -> str:
        dataset = self._named[column.dataset]
        return Node.of_field(dataset.namespace, dataset.name, column.field).id

    def node(self, column: Column) -> dict[str, Any]:
        dataset = self._named[column.dataset]
        data: dict[str, Any] = {
            "namespace": dataset.namespace,
            "dataset": dataset.name,
            "datasetVersion": dataset.version,
            "field": column.field,
            "fieldType": dataset.types.get(column.field) or "",
            "transformationDescription": None,
            "transformationType": None,
            "inputFields": [],
        }
        return {
            "id": self.id(column),
            "type": "DATASET_FIELD",
            "data": data,
            "inEdges": [],
            "outEdges": [],
        }

    def connect(self, nodes: dict[Column, dict[str, Any]], made: Made) -> None:
        """Add an edge. In Marquez, an inner one leads back to what the node is from."""
        origin, result = nodes[made.origin], nodes[made.result]
        origin["outEdges"].append({"origin": origin["id"], "destination": result["id"]})
        result["inEdges"].append({"origin": result["id"], "destination": origin["id"]})
        told = {
            "transformationDescription": made.description,
            "transformationType": made.type,
        }
        place = {key: origin["data"][key] for key in PLACE}
        result["data"]["inputFields"].append({**place, **told})
        if result["data"]["transformationType"] is None:
            result["data"].update(told)
