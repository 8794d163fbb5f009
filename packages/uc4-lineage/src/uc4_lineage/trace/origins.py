"""The origins of columns as they were when a prediction was made."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from uc4_lineage.columns import ColumnGraph, Origin, Place
from uc4_lineage.questions.origins import column_graph, told_origins
from uc4_lineage.reading import Reader
from uc4_lineage.trace.versions import Made


class Told:
    """What one source tells of the columns of some datasets.

    Args:
        graph: The origins.
        runs: The run that told each; empty where only the jobs are known.
    """

    def __init__(
        self, graph: ColumnGraph, runs: Mapping[Origin, UUID] | None = None
    ) -> None:
        self.graph = graph
        self.runs = runs or {}
        self.outputs = frozenset(one.output for one in graph.origins)


class Origins:
    """Of each dataset, what the first source tells that tells of its columns.

    Args:
        sources: The best one first.
    """

    def __init__(self, sources: Sequence[Told]) -> None:
        self._sources = tuple(sources)

    def made_from(self, place: Place) -> list[Origin]:
        """Return the origins of a field, or of all fields of a dataset."""
        source = self._source(place.key)
        return [] if source is None else source.graph.made_from(place)

    def run(self, origin: Origin) -> UUID | None:
        """Return the run that told an origin; nothing where only its job is known."""
        source = self._source(origin.output)
        return None if source is None else source.runs.get(origin)

    def _source(self, output: int) -> Told | None:
        return next((one for one in self._sources if output in one.outputs), None)


def told_by_jobs(reader: Reader, at: datetime) -> tuple[Told, Told]:
    """Return the origins as jobs made them at a time, and as they do now.

    Args:
        reader: Reads the store.
        at: The time, with its zone.

    Raises:
        NotFoundError: There is no lineage yet.
        BackendError: The store cannot be read.
    """
    return Told(column_graph(reader, at)), Told(column_graph(reader))


def told_by_runs(reader: Reader, made: Iterable[Made], jobs: Told) -> Told:
    """Return the origins as the runs told them that made some versions.

    Args:
        reader: Reads the store.
        made: The versions.
        jobs: Knows who read and wrote what.

    Raises:
        BackendError: The store cannot be read.
    """
    runs = list({one.run for one in made if one.run is not None})
    told = told_origins(reader, reader.rows("run_origins", runs=runs))
    known = {origin: run for run, origin in told}
    return Told(ColumnGraph(jobs.graph.snapshot, known), known)
