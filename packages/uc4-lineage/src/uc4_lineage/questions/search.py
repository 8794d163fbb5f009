"""Which jobs and datasets there are."""

from dataclasses import dataclass
from datetime import datetime

from uc4_lineage.naming import storable
from uc4_lineage.node import Node
from uc4_lineage.reading import Reader, named

LIMIT = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A job or dataset.

    Attributes:
        node: What it is called.
        last_at: Time of the last event that names it.
    """

    node: Node
    last_at: datetime


def search(reader: Reader, text: str = "", limit: int = LIMIT) -> tuple[Listed, ...]:
    """Return the jobs, then the datasets, whose names contain a text in any case.

    Args:
        reader: Reads the store.
        text: Part of a name or namespace; all of them when empty.
        limit: Most nodes.

    Raises:
        BackendError: The store cannot be read.
    """
    if text and not storable(text):
        return ()
    rows = reader.rows("search", text=text, limit=limit)
    return tuple(Listed(named(key, space, name), at) for key, space, name, at in rows)
