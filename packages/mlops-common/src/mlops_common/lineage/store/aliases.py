"""Names of datasets that stand for another dataset, from the facet `symlinks`."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

import psycopg

from mlops_common.lineage.store import copying
from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.event import Name
from mlops_common.lineage.store.rows import Row, symlinks
from mlops_common.lineage.store.statements import execute

SQL = files("mlops_common.lineage") / "sql"


def canonical(name: Name, targets: Mapping[Name, Name]) -> Name:
    """Return the dataset that a name stands for in the end.

    Args:
        name: Of a dataset.
        targets: What each alias is claimed to be, perhaps an alias too.

    Returns:
        Where the claims end; if in a circle, the least name of the circle.

    Examples:
        >>> a, b, c = ("n", "a"), ("n", "b"), ("n", "c")
        >>> canonical(c, {c: b, b: a})
        ('n', 'a')
        >>> canonical(c, {c: b, b: a, a: b})
        ('n', 'a')
    """
    seen: dict[Name, int] = {}
    while name in targets and name not in seen:
        seen[name] = len(seen)
        name = targets[name]
    if name not in seen:
        return name
    return min(found for found, place in seen.items() if place >= seen[name])


def known(connection: psycopg.Connection, names: set[Name]) -> dict[Name, Name]:
    """Return the datasets that some of these names stand for."""
    found = execute(connection, "known_aliases", _named(names))
    return {(a, b): (c, d) for a, b, c, d in found}


def settle(connection: psycopg.Connection, batch: Batch) -> bool:
    """Take in the claims of a batch.

    Args:
        connection: In a transaction that holds the lock of lineage.
        batch: Claims that names stand for datasets.

    Returns:
        Whether events are to be told again: those in `in_replayed`.
    """
    if not execute(connection, "merge/symlinks", symlinks(batch)):
        return False
    rows = execute(connection, "connected_names", _named(batch.claims))
    targets = {(a, b): (c, d) for a, b, c, d in rows if d is not None}
    found = [(a, b, *canonical((a, b), targets)) for a, b, _, _ in rows]
    copying.copy(connection, "in_canonical", copying.lines(found))
    connection.execute((SQL / "move_datasets.sql").read_bytes())
    noted = connection.execute("SELECT EXISTS (SELECT FROM in_replayed)").fetchone()
    return noted == (True,)


def _named(names: Iterable[Name]) -> Iterator[Row]:
    for namespace, name in names:
        yield {"namespace": namespace, "name": name}
