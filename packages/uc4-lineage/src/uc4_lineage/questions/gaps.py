"""What the graph lacks: datasets at loose ends, and what stopped being made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from uc4_lineage.node import Node
from uc4_lineage.questions.runs import State
from uc4_lineage.reading import LAST, Reader


@dataclass(frozen=True, slots=True)
class Orphans:
    """Datasets that only one side knows.

    Attributes:
        never_written: Read, and no run told of writing it: a source, or a gap.
        never_read: Written, and no run told of reading it: a result, or waste.
    """

    never_written: tuple[Node, ...]
    never_read: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class StaleDataset:
    """A dataset without a new version.

    Attributes:
        node: The dataset.
        last_at: When its last version was made.
        days: How long ago that was.
    """

    node: Node
    last_at: datetime
    days: float


@dataclass(frozen=True, slots=True)
class UnendedRun:
    """A run that never ended, as far as events tell.

    Attributes:
        id: Of the run.
        job: Its job.
        state: How far it came.
        last_at: When it was last heard of.
        days: How long ago that was.
    """

    id: UUID
    job: Node
    state: State
    last_at: datetime
    days: float


@dataclass(frozen=True, slots=True)
class Stale:
    """What stopped; the longest ago first.

    Attributes:
        datasets: Those without a new version.
        runs: Those that never ended.
    """

    datasets: tuple[StaleDataset, ...]
    runs: tuple[UnendedRun, ...]


def orphans(reader: Reader, at: datetime | None = None) -> Orphans:
    """Return the datasets that are read but never written, and the other way round.

    Args:
        reader: Reads the store.
        at: A moment of the past, by which none had; now when omitted.

    Raises:
        BackendError: The store cannot be read.
    """
    rows = reader.rows("orphans", at=at or LAST)
    return Orphans(
        never_written=tuple(reader.nodes(key for key, is_read, _ in rows if is_read)),
        never_read=tuple(reader.nodes(key for key, _, written in rows if written)),
    )


def stale(reader: Reader, days: float, now: datetime) -> Stale:
    """Return what has not moved for some days.

    Args:
        reader: Reads the store.
        days: How long a dataset may have no new version, and nothing be heard of a run.
        now: The moment to count from.

    Raises:
        BackendError: The store cannot be read.
    """
    before = now - timedelta(days=days)
    made = reader.rows("stale_datasets", before=before)
    begun = reader.rows("unended_runs", before=before)
    datasets = reader.nodes(key for key, _ in made)
    jobs = reader.nodes(-job for _, job, _, _ in begun)
    return Stale(
        datasets=tuple(
            StaleDataset(node, at, _days(now - at))
            for node, (_, at) in zip(datasets, made, strict=True)
        ),
        runs=tuple(
            UnendedRun(number, job, State(state), at, _days(now - at))
            for job, (number, _, state, at) in zip(jobs, begun, strict=True)
        ),
    )


def _days(age: timedelta) -> float:
    return age / timedelta(days=1)
