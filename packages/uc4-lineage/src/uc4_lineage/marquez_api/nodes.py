"""Which node of the store a node id means."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from mlops_common.errors import ContractError, NotFoundError
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.node import Kind, Node

MOST = 200  # ways to part a node id into names that are tried
VERSION = re.compile(r"#([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A node that a request asks for.

    Attributes:
        kind: What it is.
        key: Id of the dataset, or minus the id of the job.
        field: Of the dataset, for a node of a field.
        version: Of the dataset or job, if the request names one.
    """

    kind: Kind
    key: int
    field: str = ""
    version: str | None = None


def asked(queries: Queries, text: str) -> Asked:
    """Return the node that a node id means.

    Both a namespace and a name may hold colons: where several nodes have the id, it
    means the one that Marquez would read in it.

    Args:
        queries: Of the API.
        text: Such as `dataset:postgres://db:5432:shop.public.orders`, of which a
            version may follow after `#`.

    Raises:
        ContractError: It is no node id.
        NotFoundError: There is no such node.
    """
    found = VERSION.search(text)
    bare, version = (text[: found.start()], found[1]) if found else (text, None)
    for node in islice(_readings(bare), MOST):
        key = _key(queries, node)
        if key is not None:
            return Asked(node.kind, key, node.field, version)
    raise NotFoundError(f"Node '{text}' not found.")


def _readings(text: str) -> Iterator[Node]:
    """Yield what a node id may mean, first what Marquez reads in it."""
    kind, _, rest = text.partition(":")
    if kind not in set(Kind) or ":" not in rest:
        yield Node.parse(text)  # which complains
    with suppress(ContractError):
        yield Node.parse(text)
    colons = [place for place, letter in enumerate(rest) if letter == ":"]
    for place in colons:
        namespace, name = rest[:place], rest[place + 1 :]
        if kind != Kind.FIELD:
            yield Node(Kind(kind), namespace, name)
            continue
        for end in (end for end in reversed(colons) if end > place):
            yield Node.of_field(namespace, rest[place + 1 : end], rest[end + 1 :])


def _key(queries: Queries, node: Node) -> int | None:
    values = {"namespace": node.namespace, "name": node.name, "field": node.field}
    ((key,),) = queries.rows(f"key_of_{node.kind.name.lower()}", **values)
    return None if key is None else int(key)
