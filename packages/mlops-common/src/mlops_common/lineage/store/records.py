"""What a batch of events says of one row of a table.

A stamp is the time of an event followed by its digest: a text, the greater of which is
the newer.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from mlops_common.lineage.store.event import Name

DIGEST = 32  # hexadecimal digits at the end of a stamp


def split(stamp: str) -> tuple[str | None, str | None]:
    """Return time and digest of a stamp; of an empty one, neither.

    Examples:
        >>> split("2024-01-01T00:00:00+00:00" + "a" * 32)[0]
        '2024-01-01T00:00:00+00:00'
    """
    return (stamp[:-DIGEST], stamp[-DIGEST:]) if stamp else (None, None)


@dataclass(slots=True)
class Span:
    """When a job or a dataset was named.

    Attributes:
        number: Its own within the batch.
        first: First time.
        last: Last time.
        designed: Stamp of the newest event of a job without a run, if it has datasets.
        named: Whether a dataset is an input, an output or the subject of an event.
    """

    number: int
    first: str
    last: str
    designed: str = ""
    named: bool = False

    def widen(self, at: str) -> None:
        """Take in another time."""
        self.first = min(self.first, at)
        self.last = max(self.last, at)


@dataclass(slots=True)
class Run:
    """What is said of a run.

    Attributes:
        job: Number of the job that its newest event names.
        first: Time of its first event, or of one that names it as a parent.
        last: Time of the last one.
        told: Stamp of its newest event; else that of one that names it, at the
            beginning of time.
        started: Time of the first event that says so, or empty.
        ended: Stamp of the first event that says so, or empty.
        ended_as: The state that this one says.
        nominal_start: As the schedule has it, or empty.
        nominal_end: As the schedule has it, or empty.
        parent: Its parent, or empty.
        names_datasets: Whether an event of it names a dataset.
    """

    job: int
    first: str
    last: str
    told: str = ""
    started: str = ""
    ended: str = ""
    ended_as: str | None = None
    nominal_start: str = ""
    nominal_end: str = ""
    parent: str = ""
    names_datasets: bool = False


@dataclass(slots=True)
class Use:
    """That a run reads or writes a dataset.

    Attributes:
        at: Last time that it is said.
        version: Time and value of the newest facet `version`.
    """

    at: str
    version: tuple[str, str] = ("", "")


@dataclass(slots=True)
class Version:
    """What a run made of a dataset.

    Attributes:
        number: Of the dataset within the batch.
        run_id: The run, if there is one.
        at: Last time that it is said.
        facets: The newest of each name.
        told: The stamp of each.
    """

    number: int
    run_id: str | None
    at: str
    facets: dict[str, orjson.Fragment] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)


class Told(NamedTuple):
    """A facet.

    Attributes:
        stamp: Of the event that tells it.
        facet: What it tells, as JSON: one object instead of many to keep.
        run_id: The run of that event, if there is one.
        deleted: Whether it tells that there is no such facet any more.
    """

    stamp: str
    facet: bytes
    run_id: str | None = None
    deleted: bool = False


class Claim(NamedTuple):
    """That a name is another name of a dataset; the least claim counts.

    Attributes:
        stamp: Of the event that says so.
        target: The dataset, by the name that the event calls it.
        type: Such as `TABLE`.
    """

    stamp: str
    target: Name
    type: str


@dataclass(slots=True)
class ColumnEdge:
    """When and by which run a field was said to be made from another.

    Attributes:
        first: First time.
        stamp: Of the newest event that says so.
        description: The transformation in words, as that one has it.
        masking: Whether it hides the value, as that one has it.
        run_id: The run of that event; the event's digest if it has none.
    """

    first: str
    stamp: str
    description: str
    masking: bool
    run_id: str
