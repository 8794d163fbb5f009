"""Answers as tables."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from uc4_lineage.columns import Level
from uc4_lineage.commands.output import (
    called,
    labels,
    print_table,
    say,
    what,
)
from uc4_lineage.graph import Direction
from uc4_lineage.node import Kind, Node
from uc4_lineage.questions.closure import Closure
from uc4_lineage.questions.gaps import Orphans, Stale
from uc4_lineage.questions.history import Diff, Edge, State
from uc4_lineage.questions.impact import Impact
from uc4_lineage.questions.replay import Replayed
from uc4_lineage.questions.runs import Run
from uc4_lineage.questions.search import Listed
from uc4_lineage.wording import counted, lasting, to_second

SURE = {Level.COLUMN: "surely", Level.TABLE: "maybe"}
MAYBE = "maybe: a job on the way does not tell what its columns are made from"


def closure(found: Closure) -> None:
    """Show what lies up or down from a node."""
    up = found.direction is Direction.UP
    start = found.start.id
    what_is = f"What {start} was made from" if up else f"What is made from {start}"
    say(f"{what_is}{_then(found.at)}:")
    of_column = found.start.kind is Kind.FIELD
    rows = [
        (*_named(one.node), str(one.distance), *((SURE[one.level],) * of_column))
        for one in found.reached
    ]
    _reached(("what", "name", "namespace", "distance"), rows, of_column=of_column)
    say(_counts([one.node for one in found.reached]))


def impact(found: Impact) -> None:
    """Show what breaks."""
    say(f"What breaks when {found.start.id} changes{_then(found.at)}:")
    of_column = found.start.kind is Kind.FIELD
    rows = [
        (
            one.role.value,
            *_named(one.node)[1:],
            str(one.distance),
            *((SURE[one.level],) * of_column),
        )
        for one in found.affected
    ]
    _reached(("what", "name", "namespace", "distance"), rows, of_column=of_column)
    say(_counts([one.node for one in found.affected]))


def _then(at: datetime | None) -> str:
    return "" if at is None else f" at {to_second(at)}"


def _reached(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, of_column: bool
) -> None:
    if not rows:
        return
    print_table((*columns, *(("depends",) * of_column)), rows)
    if of_column and any(row[-1] == SURE[Level.TABLE] for row in rows):
        say(MAYBE)


def path(found: Sequence[Node]) -> None:
    """Show the way from one node to another."""
    print_table(("what", "name", "namespace"), map(_named, found))


def state(found: State) -> None:
    """Show what each job read and wrote at a time."""
    at = "now" if found.at is None else f"at {to_second(found.at)}"
    if not found.jobs and not found.datasets:
        say(f"nothing is known {at}")
        return
    names = labels(node for edge in found.edges for node in edge)
    reads: dict[Node, list[str]] = {job: [] for job in found.jobs}
    writes: dict[Node, list[str]] = {job: [] for job in found.jobs}
    for tail, head in found.edges:
        if head.kind is Kind.JOB:
            reads.setdefault(head, []).append(names[tail])
        else:
            writes.setdefault(tail, []).append(names[head])
    rows = (
        (job.name, job.namespace, tuple(reads[job]), tuple(writes[job]))
        for job in reads
    )
    print_table(("job", "namespace", "reads", "writes"), rows)
    counts = _counts([*found.jobs, *found.datasets])
    say(f"{counts}, {counted(len(found.edges), 'edge')} {at}")


def diff(found: Diff, first: datetime, second: datetime) -> None:
    """Show what came and went between two times."""
    say(f"What changed from {to_second(first)} to {to_second(second)}:")
    edges = (*found.edges_added, *found.edges_removed)
    names = labels(node for edge in edges for node in edge)
    rows = [
        *_changes("+", found.jobs_added, found.datasets_added, found.columns_added),
        *_changes(
            "-", found.jobs_removed, found.datasets_removed, found.columns_removed
        ),
        *(
            ("~", "column", called(one.column), f"{one.before} is now {one.after}")
            for one in found.columns_retyped
        ),
        *(("+", "edge", *_link(edge, names)) for edge in found.edges_added),
        *(("-", "edge", *_link(edge, names)) for edge in found.edges_removed),
    ]
    if not rows:
        say("nothing changed")
        return
    print_table(("", "what", "name", "namespace, or what it is now"), rows)


def runs(found: Sequence[Run]) -> None:
    """Show runs."""
    if not found:
        say("no such run")
        return
    rows = (
        (
            run.state.value.lower(),
            to_second(run.started_at),
            lasting(run.seconds),
            run.job.name,
            _first_line(run.error),
            str(run.id),
        )
        for run in found
    )
    print_table(("state", "started", "took", "job", "error", "run"), rows)


def orphans(found: Orphans) -> None:
    """Show datasets at loose ends."""
    rows = [
        *(("read, never written", *_named(node)[1:]) for node in found.never_written),
        *(("written, never read", *_named(node)[1:]) for node in found.never_read),
    ]
    if rows:
        print_table(("use", "dataset", "namespace"), rows)
    else:
        say("no dataset is at a loose end")


def stale(found: Stale) -> None:
    """Show what stopped."""
    datasets = labels(one.node for one in found.datasets)
    jobs = labels(one.job for one in found.runs)
    rows = [
        *(
            (
                "no new version",
                f"{one.days:.1f}",
                to_second(one.last_at),
                datasets[one.node],
                "",
            )
            for one in found.datasets
        ),
        *(
            (
                f"never ended, {one.state.value.lower()}",
                f"{one.days:.1f}",
                to_second(one.last_at),
                jobs[one.job],
                str(one.id),
            )
            for one in found.runs
        ),
    ]
    if rows:
        print_table(("what", "days", "since", "name", "run"), rows)
    else:
        say("nothing is stale")


def listed(found: Sequence[Listed]) -> None:
    """Show jobs and datasets."""
    if not found:
        say("no job and no dataset has that in its name")
        return
    rows = ((*_named(one.node), to_second(one.last_at)) for one in found)
    print_table(("what", "name", "namespace", "last heard of"), rows)


def replayed(found: Replayed) -> None:
    """Show what became of the events of a file."""
    say(
        f"{counted(found.events, 'event')}: {found.stored:,} new, "
        f"{found.duplicates:,} known before, {len(found.refused):,} refused"
    )
    for reason in found.refused:
        say(f"  {reason}")
    say(
        f"the graph has {counted(found.jobs, 'job')}, "
        f"{counted(found.datasets, 'dataset')} and {counted(found.edges, 'edge')}; "
        f"its digest is {found.digest}"
    )


def _named(node: Node) -> tuple[str, str, str]:
    return what(node), called(node), node.namespace


def _changes(sign: str, *nodes: Iterable[Node]) -> list[tuple[str, ...]]:
    return [(sign, *_named(node)) for part in nodes for node in part]


def _link(edge: Edge, names: Mapping[Node, str]) -> tuple[str, str]:
    tail, head = edge
    return f"{names[tail]} → {names[head]}", head.namespace


def _counts(nodes: Sequence[Node]) -> str:
    kinds = [node.kind for node in nodes]
    counts = [
        counted(kinds.count(kind), word)
        for kind, word in (
            (Kind.JOB, "job"),
            (Kind.DATASET, "dataset"),
            (Kind.FIELD, "column"),
        )
        if kind in kinds
    ]
    return ", ".join(counts) or "nothing, as far as is known"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
