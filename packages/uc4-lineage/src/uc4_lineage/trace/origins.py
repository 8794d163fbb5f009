"""The origins of columns as they were when a version of a model was made."""

from collections.abc import Iterable
from uuid import UUID

from uc4_lineage.columns import ColumnGraph, Origin, Place
from uc4_lineage.questions.origins import column_graph, told_origins
from uc4_lineage.reading import Reader
from uc4_lineage.trace.versions import Made


class Origins:
    """What runs told of the columns that they wrote; of the rest, what jobs tell now.

    Args:
        now: The origins of all columns, as jobs tell them now.
        told: Those that runs told, each with its run.
    """

    def __init__(self, now: ColumnGraph, told: dict[Origin, UUID]) -> None:
        self._now = now
        self._told = told
        self._then = ColumnGraph(now.snapshot, told)
        self._written = {one.output for one in told}

    def made_from(self, place: Place) -> list[Origin]:
        """Return the origins of a field, or of all fields of a dataset."""
        graph = self._then if place.key in self._written else self._now
        return graph.made_from(place)

    def run(self, origin: Origin) -> UUID | None:
        """Return the run that told an origin; nothing where it is as of now."""
        return self._told.get(origin) if origin.output in self._written else None


def origins_of(reader: Reader, made: Iterable[Made]) -> Origins:
    """Return the origins as the runs told them that made some versions.

    Args:
        reader: Reads the store.
        made: The versions.

    Raises:
        NotFoundError: There is no lineage yet.
        BackendError: The store cannot be read.
    """
    runs = list({one.run for one in made if one.run is not None})
    told = told_origins(reader, reader.rows("run_origins", runs=runs))
    return Origins(column_graph(reader), {origin: run for run, origin in told})
