"""Which runs there were, and how they ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from uc4_lineage.naming import find
from uc4_lineage.node import Kind, Node
from uc4_lineage.reading import LAST, Reader

LIMIT = 20


class State(StrEnum):
    """How far a run came, as Marquez calls it."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job.

    Attributes:
        id: Of the run.
        job: The job.
        state: How far it came.
        started_at: When it started, or when it was first heard of.
        ended_at: When it ended, if it did.
        error: Message of the error that ended it; else empty.
        parent: Id of the run that it is part of, if any.
    """

    id: UUID
    job: Node
    state: State
    started_at: datetime
    ended_at: datetime | None
    error: str = ""
    parent: UUID | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds from its start to its end; nothing while it has none."""
        if self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


def runs(
    reader: Reader,
    job: str | None = None,
    state: State | None = None,
    since: datetime | None = None,
    limit: int = LIMIT,
    at: datetime | None = None,
) -> tuple[Run, ...]:
    """Return runs, the newest first.

    Args:
        reader: Reads the store.
        job: Only those of one job; a unique end of its name will do.
        state: Only those that came so far and no further.
        since: Only those that ended, or were last heard of, at this time or later.
        limit: Most runs.
        at: A moment of the past: how far the runs that had begun had come; now when
            omitted.

    Raises:
        NotFoundError: No job is called so, or several are.
        BackendError: The store cannot be read.
    """
    key = None if job is None else -find(reader, job, [Kind.JOB]).key
    asked = {"job": key, "state": state, "since": since, "limit": limit}
    rows = reader.rows("runs", **asked, at=at or LAST)
    return tuple(
        Run(
            id=number,
            job=Node.job(namespace, name),
            state=State(reached),
            started_at=started,
            ended_at=ended,
            error=error,
            parent=parent,
        )
        for number, _, namespace, name, reached, started, ended, parent, error in rows
    )
