"""How complete the lineage of a period is: computed from what is known, nothing asked.

A run has lineage if the store knows its end and, where it completed, a dataset that it
or one of its steps read or wrote. A dataset is described if it has a schema, and owned
if it has an owner.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from mlops_common.refs import Ref

Lineage: TypeAlias = Literal["whole", "no event", "no end", "no dataset"]
UNENDED = frozenset({"NEW", "RUNNING"})
COMPLETED = "COMPLETED"


class Period(Ref):
    """A span of time, with its zone; the end is the moment of the audit."""

    start: datetime
    end: datetime

    @classmethod
    def ending(cls, end: datetime, hours: float) -> "Period":
        """Return the hours before an instant.

        Examples:
            >>> from datetime import UTC
            >>> print(Period.ending(datetime(2026, 3, 2, 8, tzinfo=UTC), 24))
            2026-03-01 08:00 to 2026-03-02 08:00 UTC
        """
        return cls(start=end - timedelta(hours=hours), end=end)

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M %Z}"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the store knows of a run.

    Attributes:
        state: `NEW`, `RUNNING`, `COMPLETED`, `FAILED` or `ABORTED`.
        datasets: How many datasets the run and its steps named.
    """

    state: str
    datasets: int


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What the store knows of a dataset.

    Attributes:
        name: Its node id.
        described: Whether it has a schema.
        owned: Whether it has an owner.
    """

    name: str
    described: bool
    owned: bool


class CheckedRun(Ref):
    """A run that ended in the period, and whether it has lineage.

    Attributes:
        id: By which Prefect and the store know it.
        name: Of the run.
        flow: Of the run.
        deployment: Whose run it is; empty where it was started without one.
        state: In which it ended.
        ended: When.
        lineage: What is there of it.
    """

    id: str
    name: str
    flow: str
    deployment: str
    state: str
    ended: datetime
    lineage: Lineage = "no event"


class LooseEnds(Ref):
    """What an audit tells besides, by node ids; none of it is a gap by itself.

    Attributes:
        never_written: Datasets that are read only: they come from outside.
        never_read: Datasets that are written only.
        stale: Datasets without a new version of late, with its age.
        unended: Runs that began, and were not heard of of late.
    """

    never_written: tuple[str, ...] = ()
    never_read: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    unended: tuple[str, ...] = ()


class Part(Ref):
    """How many of some things have what they should.

    Examples:
        >>> print(Part(having=2, all=3))
        2 of 3
    """

    having: int
    all: int

    def __str__(self) -> str:
        return f"{self.having:,} of {self.all:,}"

    @property
    def whole(self) -> bool:
        """Whether all of them have it; of none, all."""
        return self.having == self.all


class Coverage(Ref):
    """What an audit found.

    Attributes:
        period: Which runs were looked at.
        unasked: Why Prefect could not be asked which runs there were; else empty.
        runs: Every run of a use case that ended in the period.
        schemas: Datasets that have a schema.
        owners: Datasets that have an owner.
        without_schema: Node ids of those that have none.
        without_owner: Node ids of those that have none.
        loose: What is told besides.
    """

    period: Period
    unasked: str
    runs: tuple[CheckedRun, ...]
    schemas: Part
    owners: Part
    without_schema: tuple[str, ...]
    without_owner: tuple[str, ...]
    loose: LooseEnds

    @property
    def gaps(self) -> tuple[CheckedRun, ...]:
        """The runs whose lineage is not whole."""
        return tuple(run for run in self.runs if run.lineage != "whole")

    @property
    def traced(self) -> Part:
        """Runs whose lineage is whole."""
        return Part(having=len(self.runs) - len(self.gaps), all=len(self.runs))

    @property
    def complete(self) -> bool:
        """Whether every run could be looked at, and nothing is missing."""
        parts = (self.traced, self.schemas, self.owners)
        return not self.unasked and all(part.whole for part in parts)


def of_runs(
    ended: Iterable[CheckedRun], known: Mapping[str, RunFacts]
) -> tuple[CheckedRun, ...]:
    """Return runs with what is there of the lineage of each.

    Args:
        ended: Runs that ended.
        known: What the store knows of runs, by their id.
    """
    return tuple(
        run.model_copy(update={"lineage": lineage(known.get(run.id))}) for run in ended
    )


def lineage(facts: RunFacts | None) -> Lineage:
    """Return what is there of the lineage of a run that has ended.

    A run that failed may have failed before it touched any dataset.

    Examples:
        >>> lineage(RunFacts("COMPLETED", 0)), lineage(RunFacts("FAILED", 0))
        ('no dataset', 'whole')
    """
    if facts is None:
        return "no event"
    if facts.state in UNENDED:
        return "no end"
    if facts.state == COMPLETED and not facts.datasets:
        return "no dataset"
    return "whole"


def audited(
    period: Period,
    runs: Iterable[CheckedRun],
    datasets: Sequence[DatasetFacts],
    loose: LooseEnds | None = None,
    unasked: str = "",
) -> Coverage:
    """Return how complete the lineage is.

    Args:
        period: Which runs were looked at.
        runs: Those runs.
        datasets: All datasets of the store.
        loose: What is told besides.
        unasked: Why it is not known which runs there were; else empty.

    Examples:
        >>> from datetime import UTC
        >>> period = Period.ending(datetime(2026, 3, 2, 8, tzinfo=UTC), 24)
        >>> found = audited(period, [], [DatasetFacts("dataset:file:/a", True, False)])
        >>> found.schemas.whole, found.without_owner
        (True, ('dataset:file:/a',))
    """
    bare = tuple(one.name for one in datasets if not one.described)
    unowned = tuple(one.name for one in datasets if not one.owned)
    return Coverage(
        period=period,
        unasked=unasked,
        runs=tuple(runs),
        schemas=Part(having=len(datasets) - len(bare), all=len(datasets)),
        owners=Part(having=len(datasets) - len(unowned), all=len(datasets)),
        without_schema=bare,
        without_owner=unowned,
        loose=loose or LooseEnds(),
    )
