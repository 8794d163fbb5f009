"""A node of the lineage graph, and the text by which Marquez names it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from mlops_common.errors import ContractError

# A colon parts two names, unless it is that of a URL: `postgres://db:5432`.
PARTING = re.compile(r":(?!//|\d)")


class Kind(StrEnum):
    """What a node is; its value begins the node's id."""

    DATASET = "dataset"
    JOB = "job"
    FIELD = "datasetField"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A dataset, a job, or a field of a dataset.

    Attributes:
        kind: What it is.
        namespace: Of the dataset or job, such as `postgres://db:5432`.
        name: Of the dataset or job.
        field: Name of the field; empty for a dataset or job.

    Examples:
        >>> Node.dataset("postgres://db:5432", "shop.public.orders").id
        'dataset:postgres://db:5432:shop.public.orders'
    """

    kind: Kind
    namespace: str
    name: str
    field: str = ""

    @classmethod
    def dataset(cls, namespace: str, name: str) -> "Node":
        """Return the node of a dataset."""
        return cls(Kind.DATASET, namespace, name)

    @classmethod
    def job(cls, namespace: str, name: str) -> "Node":
        """Return the node of a job."""
        return cls(Kind.JOB, namespace, name)

    @classmethod
    def of_field(cls, namespace: str, name: str, field: str) -> "Node":
        """Return the node of a field of a dataset."""
        return cls(Kind.FIELD, namespace, name, field)

    @classmethod
    def parse(cls, text: str) -> "Node":
        """Read a node id as Marquez does: the last name takes the colons that are left.

        A namespace with a colon that is not a URL's cannot be told from a name with
        one; whoever has the graph compares `id` instead.

        Args:
            text: Such as `job:etl:load`, or `datasetField:etl:orders:price`.

        Raises:
            ContractError: It is no node id.

        Examples:
            >>> Node.parse("datasetField:s3://lake:raw/orders:price").field
            'price'
        """
        kind, _, rest = text.partition(":")
        names = 3 if kind == Kind.FIELD else 2
        parts = PARTING.split(rest, names - 1)
        if len(parts) < names:
            parts = rest.split(":", names - 1)
        if kind not in set(Kind) or len(parts) < names or not all(parts):
            raise ContractError(
                "expected a node id such as dataset:NAMESPACE:NAME, "
                "job:NAMESPACE:NAME or datasetField:NAMESPACE:NAME:FIELD, "
                f"found {text!r}"
            )
        return cls(Kind(kind), *parts)

    @property
    def id(self) -> str:
        """The text by which Marquez's API names the node."""
        parts = [self.kind.value, self.namespace, self.name]
        return ":".join([*parts, self.field] if self.kind is Kind.FIELD else parts)

    @property
    def owner(self) -> "Node":
        """The dataset that a field is of; any other node is its own."""
        if self.kind is not Kind.FIELD:
            return self
        return Node.dataset(self.namespace, self.name)

    def __str__(self) -> str:
        return self.id
