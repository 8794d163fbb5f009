"""What breaks when a dataset or one of its columns changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from uc4_lineage.columns import Level
from uc4_lineage.dataset_facets import facets_of
from uc4_lineage.dataset_kind import DatasetKind, kind_of
from uc4_lineage.graph import Direction
from uc4_lineage.naming import find
from uc4_lineage.node import Kind, Node
from uc4_lineage.questions.closure import around
from uc4_lineage.reading import Reader


class Role(StrEnum):
    """What a node is to the people who depend on it, the last link first."""

    ENDPOINT = "endpoint"
    MODEL = "model"
    FEATURE = "feature"
    TABLE = "table"
    FILE = "file"
    STREAM = "stream"
    DATASET = "dataset"
    JOB = "job"


ROLES = {
    DatasetKind.ENDPOINT: Role.ENDPOINT,
    DatasetKind.MODEL: Role.MODEL,
    DatasetKind.FEATURES: Role.FEATURE,
    DatasetKind.TABLE: Role.TABLE,
    DatasetKind.VIEW: Role.TABLE,
    DatasetKind.FILE: Role.FILE,
    DatasetKind.OBJECT: Role.FILE,
    DatasetKind.STREAM: Role.STREAM,
    DatasetKind.DATASET: Role.DATASET,
}


TYPE, SOURCE = "datasetType", "dataSource"  # facets


@dataclass(frozen=True, slots=True)
class Affected:
    """Something that breaks.

    Attributes:
        node: A job, a dataset or a field.
        role: What it is to people.
        distance: Edges between it and what changes.
        level: `column` where it truly depends on the column; `table` where a job on
            the way does not tell the origins of its columns, so that it may.
    """

    node: Node
    role: Role
    distance: int
    level: Level


@dataclass(frozen=True, slots=True)
class Impact:
    """What breaks when something changes.

    Attributes:
        start: The dataset or field that changes.
        affected: What breaks, by role, the last link first; the nearest first in each.
        at: The time of which that is so; nothing for now.
    """

    start: Node
    affected: tuple[Affected, ...]
    at: datetime | None = None

    def of(self, role: Role) -> tuple[Affected, ...]:
        """Return what has one role."""
        return tuple(one for one in self.affected if one.role is role)


def impact(
    reader: Reader,
    text: str,
    depth: int | None = None,
    at: datetime | None = None,
) -> Impact:
    """Return which jobs, tables, features, models and endpoints break.

    Of a dataset: all that lies down from it. Of a column: only what depends on it,
    where the jobs tell the origins of their columns; all that they write, where not.

    Args:
        reader: Reads the store.
        text: A dataset, or a dataset, a point and a column; the end of a name will do.
        depth: Most edges between what changes and what breaks.
        at: A moment of the past; now when omitted.

    Raises:
        NotFoundError: No dataset or column is called so, or several are.
        BackendError: The store cannot be read.
    """
    found = find(reader, text, (Kind.DATASET, Kind.FIELD), at)
    kinds = _kinds(reader, at)
    affected = [
        Affected(one.node, role(one.node, kinds), one.distance, one.level)
        for one in around(reader, found, Direction.DOWN, depth, at)
    ]
    order = list(Role)
    affected.sort(key=lambda one: (order.index(one.role), one.distance, one.node.id))
    return Impact(found.node, tuple(affected), at)


def role(node: Node, kinds: Mapping[Node, DatasetKind]) -> Role:
    """Return what a node is to people.

    Args:
        node: A job, a dataset or a field.
        kinds: What a dataset is, where events told more than its name.

    Examples:
        >>> role(Node.dataset("mlflow://localhost", "churn-predictor"), {}).value
        'model'
    """
    if node.kind is Kind.JOB:
        return Role.JOB
    return ROLES[kinds.get(node.owner) or kind_of(node.namespace)]


def _kinds(reader: Reader, at: datetime | None) -> dict[Node, DatasetKind]:
    """Return what the datasets are of which events had told more than the name."""
    told = facets_of(reader, [TYPE, SOURCE], at)
    keys = sorted({key for key, _ in told})
    return {
        node: kind_of(
            node.namespace,
            str(told.get((key, TYPE), {}).get("datasetType") or ""),
            str(told.get((key, SOURCE), {}).get("uri") or ""),
        )
        for key, node in zip(keys, reader.nodes(keys), strict=True)
    }
