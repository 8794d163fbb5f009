"""The graph of the embedded store, read whole and kept until an event changes it.

A node has a key: the id of a dataset, or minus the id of a job.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from threading import Lock
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import TupleRow

from mlops_common.errors import BackendError, NotFoundError
from uc4_lineage.graph import Graph, Numbers
from uc4_lineage.node import Kind, Node

SQL = files("uc4_lineage") / "sql"
LONGEST = 5.0  # seconds
LAST = datetime.max.replace(tzinfo=UTC)  # no event is later

# Number of the newest event, and the keys that are hidden.
Version = tuple[int, tuple[int, ...]]
EDGE = np.dtype([("job", ">i4"), ("dataset", ">i4")])  # as `edges.sql` packs them
EMPTY = (
    "no lineage is known yet; run `mlops demo` or `mlops run uc1`, read events with "
    "`mlops lineage replay FILE`, or let others send them to `mlops lineage serve`"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The jobs and datasets of one moment, and who read and wrote what.

    Attributes:
        graph: Its nodes are numbered in order of their keys.
        keys: Key of each node, ascending, n numbers.
    """

    graph: Graph
    keys: Numbers

    @classmethod
    def of(
        cls, jobs: Numbers, datasets: Numbers, writes: Any, hidden: Iterable[int] = ()
    ) -> "Snapshot":
        """Return the graph of m edges.

        Args:
            jobs: Id of the job of each edge.
            datasets: Id of its dataset.
            writes: Whether the job wrote it, m booleans; else it read it.
            hidden: Keys of nodes that are left out, with their edges.
        """
        ends = np.stack(
            [np.where(writes, -jobs, datasets), np.where(writes, datasets, -jobs)]
        )
        gone = np.fromiter(hidden, dtype=np.int64)
        if len(gone):
            ends = ends[:, ~np.isin(ends, gone).any(axis=0)]
        keys, numbers = np.unique(ends, return_inverse=True)
        tails, heads = numbers.reshape(ends.shape)
        return cls(Graph(len(keys), tails, heads), keys)

    def number(self, key: int) -> int | None:
        """Return the number of the node with a key; nothing where it has no edge."""
        place = int(np.searchsorted(self.keys, key))
        found = place < len(self.keys) and int(self.keys[place]) == key
        return place if found else None


@dataclass
class Cache:
    """The graph of now and the names of its nodes; one for all readers of a store.

    Attributes:
        longest: Seconds after which the graph is read again even without a newer
            event: a batch that was begun earlier may be committed later.
    """

    longest: float = LONGEST
    nodes: dict[int, Node] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _version: Version | None = None
    _snapshot: Snapshot | None = None
    _read_at: float = 0.0

    def get(self, version: Version) -> Snapshot | None:
        """Return the graph of a version, if it is the one that is kept."""
        with self._lock:
            young = time.monotonic() - self._read_at < self.longest
            return self._snapshot if young and self._version == version else None

    def put(self, version: Version, snapshot: Snapshot, read_at: float) -> None:
        """Keep the graph of a version, which was read at a time of `time.monotonic`."""
        with self._lock:
            self._version, self._snapshot = version, snapshot
            self._read_at = read_at


class Reader:
    """Reads the lineage of one store.

    Args:
        connection: To the database that holds the schema `lineage`.
        cache: Shared by the readers of a server; its own when omitted.
    """

    def __init__(
        self, connection: psycopg.Connection, cache: Cache | None = None
    ) -> None:
        self.connection = connection
        self.cache = cache or Cache()

    def rows(self, statement: str, **values: Any) -> list[TupleRow]:
        """Return the rows of a file of `sql/`.

        Args:
            statement: Name of the file, such as `hidden`.
            values: Its parameters.

        Raises:
            NotFoundError: There is no lineage yet.
            BackendError: The store cannot be read.
        """
        text = (SQL / f"{statement}.sql").read_bytes()
        with translated(), self.connection.cursor(binary=True) as cursor:
            return cursor.execute(text, values or None).fetchall()

    def snapshot(self) -> Snapshot:
        """Return the graph of now; read again only after an event or a deletion.

        Raises:
            NotFoundError: There is no lineage yet.
            BackendError: The store cannot be read.
        """
        begun = time.monotonic()
        newest = self.rows("newest_event")[0][0]
        version = (newest, tuple(key for (key,) in self.rows("hidden")))
        kept = self.cache.get(version)
        if kept is not None:
            return kept
        snapshot = self._current(version[1])
        self.cache.put(version, snapshot, begun)
        return snapshot

    def _current(self, hidden: Iterable[int]) -> Snapshot:
        edges = np.frombuffer(self.rows("edges")[0][0], dtype=EDGE)
        jobs = edges["job"].astype(np.int64)
        datasets = edges["dataset"].astype(np.int64)
        return Snapshot.of(np.abs(jobs), datasets, jobs < 0, hidden)

    def nodes(self, keys: Iterable[int]) -> list[Node]:
        """Return the nodes with these keys, in their order.

        Raises:
            BackendError: The store cannot be read.
        """
        wanted = list(keys)
        known = self.cache.nodes
        missing = [key for key in wanted if key not in known]
        if missing:
            known |= self._named(missing)
        try:
            return [known[key] for key in wanted]
        except KeyError as error:
            raise BackendError(
                "the lineage changed as it was read; try again"
            ) from error

    def _named(self, keys: list[int]) -> dict[int, Node]:
        jobs = [-key for key in keys if key < 0]
        datasets = [key for key in keys if key > 0]
        found = self.rows("nodes", datasets=datasets, jobs=jobs)
        return {key: named(key, space, name) for key, space, name in found}


def named(key: int, namespace: str, name: str) -> Node:
    """Return the node with a key."""
    return Node(Kind.DATASET if key > 0 else Kind.JOB, namespace, name)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the database's errors into ours.

    Raises:
        NotFoundError: There is no lineage yet.
        BackendError: The store cannot be read.
    """
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise NotFoundError(EMPTY) from error
    except psycopg.Error as error:
        said = str(error).strip().splitlines()
        reason = said[0] if said else type(error).__name__
        raise BackendError(f"the lineage store cannot be read: {reason}") from error
