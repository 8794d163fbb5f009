"""What a run of the lineage pipeline returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_common.refs import Ref
from uc4_lineage.coverage import Coverage, Lineage
from uc4_lineage.wording import counted

MEANINGS: dict[Lineage, str] = {
    "whole": "nothing is missing",
    "no event": "it told nothing at all",
    "no end": "it told that it began, and never how it ended",
    "no dataset": "it completed and named no dataset",
}


class Emitted(Ref):
    """What became of the events that waited on disk, and of the runs that died.

    Attributes:
        told: Events that were sent now.
        left: Bytes of events that wait on, because a receiver is away.
        refused: Events that a receiver will not take, however often it is asked.
        lost: Events that were dropped since the home was made, for want of room.
        problems: Why a receiver could not be told, by its name.
        aborted: Runs of processes that are gone, which were ended as aborted.
    """

    told: int = 0
    left: int = 0
    refused: int = 0
    lost: int = 0
    problems: Mapping[str, str] = {}
    aborted: int = 0


class LineageResult(Ref):
    """What an audit of the lineage did and found.

    Attributes:
        emitted: What became of the events that waited.
        coverage: How complete the lineage is.
        stored: Object key of the same as JSON.
        report: The page that tells all this.
    """

    emitted: Emitted
    coverage: Coverage
    stored: str
    report: Path

    def summary(self) -> dict[str, str]:
        """Return the few lines that a person wants to see first."""
        found = self.coverage
        return {
            "Period": str(found.period),
            "Events": events(self.emitted),
            "Runs": runs(found),
            "Schema": f"{found.schemas} datasets have one",
            "Owner": f"{found.owners} datasets have one",
            "Ends": f"{len(found.loose.never_written):,} read but never written, "
            f"{len(found.loose.never_read):,} written but never read",
            "Stale": f"{counted(len(found.loose.stale), 'dataset')}, "
            f"{counted(len(found.loose.unended), 'run')} that never ended",
            "Report": self.report.as_uri(),
        }

    def closing(self) -> str:
        """Return what to print below the summary, unwrapped: what is to be done."""
        return closing(self.coverage, self.emitted)


def events(emitted: Emitted) -> str:
    """Say what became of the events that waited.

    Examples:
        >>> events(Emitted(told=3, aborted=1))
        '3 sent now; 1 run ended that had died'
    """
    said = [f"{emitted.told:,} sent now"]
    if emitted.left:
        said.append(f"{emitted.left / 1e3:,.1f} kB wait on")
    if emitted.refused:
        said.append(f"{emitted.refused:,} were refused")
    if emitted.lost:
        said.append(f"{emitted.lost:,} were ever lost")
    if emitted.aborted:
        said.append(f"{counted(emitted.aborted, 'run')} ended that had died")
    return "; ".join(said)


def runs(found: Coverage) -> str:
    """Say how many runs have lineage.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from uc4_lineage.coverage import Period, audited
        >>> runs(audited(Period.ending(datetime.now(UTC), 24), [], []))
        'none ended in this time'
    """
    if found.unasked:
        return "unknown: Prefect could not be asked which there were"
    if not found.runs:
        return "none ended in this time"
    return f"{found.traced} have lineage"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the lineage is complete: the same wherever it is told.

    Attributes:
        short: In a word or two, such as `complete` or `3 gaps`.
        advice: A sentence for each kind of gap, with what closes it; else none.
    """

    short: str
    advice: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.advice

    @property
    def title(self) -> str:
        """The verdict as a heading."""
        return "Complete" if self.complete else "Not complete"


def verdict(found: Coverage, emitted: Emitted) -> Verdict:
    """Say whether the lineage is complete.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from uc4_lineage.coverage import Period, audited
        >>> whole = audited(Period.ending(datetime.now(UTC), 24), [], [])
        >>> verdict(whole, Emitted()).short, verdict(whole, Emitted(lost=5)).short
        ('complete', 'events missing')
    """
    said = (*_undelivered(emitted), *_gaps(found))
    if not said:
        return Verdict("complete", ())
    if found.unasked:
        return Verdict("runs unknown", said)
    if found.complete:
        return Verdict("events missing", said)
    missing = len(found.gaps) + len(found.without_schema) + len(found.without_owner)
    return Verdict(counted(missing, "gap"), said)


def closing(found: Coverage, emitted: Emitted) -> str:
    """Say whether the lineage is complete and, where it is not, what to do."""
    said = verdict(found, emitted)
    if said.complete:
        ran = "every run has lineage" if found.runs else "no run ended in this time"
        described = "every dataset has a schema and an owner"
        known = described if found.schemas.all else "no dataset is known yet"
        return f"{said.title}: {ran}, and {known}."
    return "\n".join([f"{said.title}:", *(f"- {one}" for one in said.advice)])


def _undelivered(emitted: Emitted) -> list[str]:
    """Return a sentence for each way in which events did not arrive."""
    said = [f"{name} was not told: {why}" for name, why in emitted.problems.items()]
    if emitted.left and not emitted.problems:
        said.append("events wait on; set `patience` to give them more time")
    if emitted.refused:
        said.append(
            f"{counted(emitted.refused, 'event')} refused: see refused.jsonl in "
            "lineage/spool of the home folder"
        )
    if emitted.lost:
        said.append(
            f"{counted(emitted.lost, 'event')} lost since the home was made, for want "
            "of room in lineage/spool; see that the receivers answer, or raise "
            "lineage.spool_mb"
        )
    return said


def _gaps(found: Coverage) -> list[str]:
    """Return a sentence for each kind of gap that an audit found."""
    said = []
    if found.unasked:
        said.append(f"which runs there were is unknown: {found.unasked}")
    if found.gaps:
        first = found.gaps[0]
        said.append(
            f"{counted(len(found.gaps), 'run')} without whole lineage, such as "
            f"{first.name!r}: {MEANINGS[first.lineage]}"
        )
    if found.without_schema:
        said.append(
            f"{counted(len(found.without_schema), 'dataset')} without a schema, such "
            f"as {found.without_schema[0]}; name the columns where it is written"
        )
    if found.without_owner:
        said.append(
            f"{counted(len(found.without_owner), 'dataset')} without an owner, such as "
            f"{found.without_owner[0]}; set lineage.owner for what the runs write"
        )
    return said
