"""Which run made which version of a dataset, and from which versions of others."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uc4_lineage.node import Node
from uc4_lineage.reading import Reader


@dataclass(frozen=True, slots=True)
class Made:
    """A version of a dataset, and the run that made it.

    Attributes:
        dataset: The dataset.
        version: Its version, such as `customers@v3` or a digest; empty if untold.
        uri: Where it is, if that is told.
        distance: Runs between it and what was asked for.
        job: The job that made it; nothing where no run told of making it.
        run: Id of the run.
        at: When that run last told of it.
    """

    dataset: Node
    version: str
    uri: str
    distance: int
    job: Node | None = None
    run: UUID | None = None
    at: datetime | None = None


def made_from(
    reader: Reader, dataset: int, version: str, before: datetime | None = None
) -> tuple[Made, ...]:
    """Return a version of a dataset and all versions that it was made from.

    Args:
        reader: Reads the store.
        dataset: Key of the dataset.
        version: Its version; empty for the last one.
        before: Until when the last one counts; until now when omitted.

    Returns:
        The version asked for, then what the runs read that made it, the nearest first.
        Where a run told no version of what it read, that which was the last then.

    Raises:
        BackendError: The store cannot be read.
    """
    queue: deque[tuple[int, str, datetime | None, int]] = deque(
        [(dataset, version, before, 0)]
    )
    known: set[tuple[int, str]] = set()
    found = []
    while queue:
        key, wanted, until, distance = queue.popleft()
        made, readings = _made(reader, key, wanted, until, distance)
        if (key, made.version) in known:
            continue
        known.add((key, made.version))
        found.append(made)
        for source, source_version in readings:
            queue.append((source, source_version, made.at, distance + 1))
    return tuple(found)


def _made(
    reader: Reader, key: int, version: str, before: datetime | None, distance: int
) -> tuple[Made, list[tuple[int, str]]]:
    """Return how a version was made, and the key and version of all that was read."""
    (node,) = reader.nodes([key])
    rows = reader.rows("made_by", dataset=key, version=version, before=before)
    if not rows:
        return Made(node, version, "", distance), []
    run, job, at, told, uri = rows[0]
    jobs = [] if job is None else reader.nodes([-job])
    made = Made(
        dataset=node,
        version=told,
        uri=uri,
        distance=distance,
        job=jobs[0] if jobs else None,
        run=run,
        at=at,
    )
    read = [] if run is None else reader.rows("read_by", run=run)
    return made, [(source, source_version) for source, source_version in read]
