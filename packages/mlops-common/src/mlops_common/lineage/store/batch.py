"""What a batch of events says, merged as the tables merge it: see `create.sql`.

Jobs and datasets are numbered from 0 within the batch. A batch is told the datasets
that other names stand for; `names` are those that it met, for the store to check.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeVar

import orjson

from mlops_common.lineage.store import facets as known
from mlops_common.lineage.store.event import Dataset, Event, Name, fits
from mlops_common.lineage.store.records import (
    Claim,
    ColumnEdge,
    Run,
    Span,
    Told,
    Use,
    Version,
)

READ, WRITTEN = "r", "w"
BEGINNINGS = {"START", "RUNNING"}
ENDS = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
MENTIONED = "0001-01-01T00:00:00+00:00"  # before the run's own events

Key = TypeVar("Key")
Least = TypeVar("Least", str, Claim)


class Batch:
    """Rows for each table, by their keys.

    No event is kept: what thousands of them hold, the garbage collector would visit
    again and again.

    Args:
        aliases: Names of datasets that stand for another.
    """

    def __init__(self, aliases: Mapping[Name, Name] | None = None) -> None:
        self.names: set[Name] = set()
        self.jobs: dict[Name, Span] = {}
        self.datasets: dict[Name, Span] = {}
        self.sources: dict[str, tuple[str, str, str, str]] = {}
        self.runs: dict[str, Run] = {}
        self.uses: dict[tuple[str, int, int, str], Use] = {}
        self.column_edges: dict[tuple[int, int, int, known.Edge], ColumnEdge] = {}
        self.dataset_facets: dict[tuple[int, str], Told] = {}
        self.job_facets: dict[tuple[int, str], Told] = {}
        self.run_facets: dict[tuple[str, str], Told] = {}
        self.versions: dict[str, Version] = {}
        self.dataset_tags: dict[tuple[int, str, str], str] = {}
        self.job_tags: dict[tuple[int, str], str] = {}
        self.claims: dict[Name, Claim] = {}
        self.aliases = aliases or {}

    @property
    def met_aliases(self) -> dict[Name, Name]:
        """The aliases that it met, and what it took them for."""
        met = self.names & self.aliases.keys()
        return {name: self.aliases[name] for name in met}

    def add(self, event: Event) -> None:
        """Take in an event."""
        if event.job is None:
            for dataset in event.outputs:
                self._make(event, dataset, self._describe(event, dataset))
            return
        job = self._job(event, event.job)
        if event.run_id is not None:
            self._run(event, event.run_id, job)
        for dataset in event.inputs:
            self._use(event, dataset, job, READ)
        for dataset in event.outputs:
            number = self._use(event, dataset, job, WRITTEN)
            self._make(event, dataset, number)
            if "columnLineage" in dataset.facets:
                self._derive(event, dataset, job, number)

    def _job(self, event: Event, name: Name) -> int:
        """Take in the job and its facets; return its number."""
        span = self._span(self.jobs, name, event.at)
        if event.run_id is None and (event.inputs or event.outputs):
            span.designed = max(span.designed, event.stamp)
        for key, facet in event.job_facets.items():
            newest(self.job_facets, (span.number, key), told(event, facet))
            if key == "tags":
                for _, tag in known.tags(facet):
                    earliest(self.job_tags, (span.number, tag), event.at)
        return span.number

    def _run(self, event: Event, run_id: str, job: int) -> None:
        run = self._known_run(run_id, job, event.at)
        if event.stamp > run.told:
            run.told, run.job = event.stamp, job
        run.names_datasets |= bool(event.inputs or event.outputs)
        if event.type in BEGINNINGS and (not run.started or event.at < run.started):
            run.started = event.at
        ended_as = ENDS.get(event.type or "")
        if ended_as and (not run.ended or event.stamp < run.ended):
            run.ended, run.ended_as = event.stamp, ended_as
        for name, facet in event.run_facets.items():
            newest(self.run_facets, (run_id, name), told(event, facet))
            if name == "nominalTime":
                start, end = known.nominal_times(facet)
                run.nominal_start = max(run.nominal_start, start or "")
                run.nominal_end = max(run.nominal_end, end or "")
            elif name == "parent" and (parent := known.parent(facet)) is not None:
                run.parent = max(run.parent, parent[0])
                self._mention(event, *parent)

    def _mention(self, event: Event, run_id: str, name: Name) -> None:
        """Take in a run that another one names as its parent."""
        job = self._span(self.jobs, name, event.at).number
        run = self._known_run(run_id, job, event.at)
        stamp = MENTIONED + event.document.digest
        if stamp > run.told:
            run.told, run.job = stamp, job

    def _known_run(self, run_id: str, job: int, at: str) -> Run:
        run = self.runs.get(run_id)
        if run is None:
            run = self.runs[run_id] = Run(job, at, at)
        elif at < run.first:
            run.first = at
        elif at > run.last:
            run.last = at
        return run

    def _use(self, event: Event, dataset: Dataset, job: int, direction: str) -> int:
        """Take in an input or output; return its number."""
        number = self._describe(event, dataset)
        key = (event.subject, job, number, direction)
        use = self.uses.get(key)
        if use is None:
            use = self.uses[key] = Use(event.at)
        elif event.at > use.at:
            use.at = event.at
        if "version" in dataset.facets:
            version = known.version(dataset.facets["version"])
            if version is not None:
                use.version = max(use.version, (event.at, version))
        return number

    def _describe(self, event: Event, dataset: Dataset) -> int:
        """Take in the facets of a dataset; return its number."""
        number = self._number(dataset.name, event.at, named=True)
        for name, facet in dataset.facets.items():
            newest(self.dataset_facets, (number, name), told(event, facet))
            if name == "symlinks":
                self._claim(event, dataset, facet)
            elif name == "tags":
                for field, tag in known.tags(facet):
                    earliest(self.dataset_tags, (number, field, tag), event.at)
            elif name == "dataSource":
                self._source(facet, event.at)
        return number

    def _claim(self, event: Event, dataset: Dataset, facet: object) -> None:
        for name, type_ in known.symlinks(facet):
            if name != dataset.name and fits(*name):
                earliest(self.claims, name, Claim(event.stamp, dataset.name, type_))

    def _source(self, facet: object, at: str) -> None:
        found = known.source(facet)
        if found is None:
            return
        name, type_, url = found
        old = self.sources.get(name, (at, at, "", ""))
        last, url, type_ = max((old[1], old[2], old[3]), (at, url or "", type_))
        self.sources[name] = (min(old[0], at), last, url, type_)

    def _make(self, event: Event, dataset: Dataset, number: int) -> None:
        """Take in the version of a dataset that a run, or the event itself, made."""
        key = "\0".join((*self._canonical(dataset.name), event.subject))
        id_ = blake2b(key.encode(), digest_size=16).hexdigest()
        version = self.versions.get(id_)
        if version is None:
            version = self.versions[id_] = Version(number, event.run_id, event.at)
        elif event.at > version.at:
            version.at = event.at
        for name, facet in dataset.facets.items():
            if event.stamp >= version.told.get(name, ""):
                version.told[name] = event.stamp
                known_as = self.dataset_facets[number, name]
                said_now = known_as.stamp == event.stamp
                body = known_as.facet if said_now else orjson.dumps(facet)
                version.facets[name] = orjson.Fragment(body)

    def _derive(self, event: Event, dataset: Dataset, job: int, number: int) -> None:
        """Take in which fields the fields of an output were made from."""
        for origin in known.origins(dataset.facets["columnLineage"]):
            source = self._number(origin.input, event.at)
            key = (job, number, source, origin.key)
            new = ColumnEdge(
                event.at, event.stamp, origin.description, origin.masking, event.subject
            )
            old = self.column_edges.get(key)
            if old is not None:
                new.first = min(new.first, old.first)
                if old.stamp > new.stamp:
                    old.first = new.first
                    continue
            self.column_edges[key] = new

    def _number(self, name: Name, at: str, *, named: bool = False) -> int:
        self.names.add(name)
        span = self._span(self.datasets, self._canonical(name), at)
        span.named |= named
        return span.number

    def _canonical(self, name: Name) -> Name:
        return self.aliases.get(name, name)

    @staticmethod
    def _span(spans: dict[Name, Span], name: Name, at: str) -> Span:
        span = spans.get(name)
        if span is None:
            span = spans[name] = Span(len(spans), at, at)
        else:
            span.widen(at)
        return span


def told(event: Event, facet: object) -> Told:
    """Return a facet as an event tells it."""
    body = orjson.dumps(facet)
    return Told(event.stamp, body, event.run_id, known.is_deleted(facet))


def newest(facets: dict[Key, Told], key: Key, new: Told) -> None:
    """Keep the newer; of one event, what it says last."""
    old = facets.get(key)
    if old is None or new.stamp >= old.stamp:
        facets[key] = new


def earliest(found: dict[Key, Least], key: Key, new: Least) -> None:
    """Keep the lesser."""
    old = found.get(key)
    if old is None or new < old:
        found[key] = new
