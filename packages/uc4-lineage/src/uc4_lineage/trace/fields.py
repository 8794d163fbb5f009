"""From a column back to the columns of the source, job by job."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from uc4_lineage.columns import Origin, Place
from uc4_lineage.node import Node
from uc4_lineage.reading import Reader
from uc4_lineage.trace.origins import Origins

INDIRECT = "INDIRECT"


@dataclass(frozen=True, slots=True)
class Hop:
    """A column, and one that its values are made from.

    Attributes:
        column: The column.
        origin: The column of an input that goes into it.
        job: The job that makes it so.
        how: Such as IDENTITY or AGGREGATION, and a description; may be empty.
        run: The run of the job that told so when the model, or what it was asked with,
            was made; nothing where it is only known how the job made the column.
    """

    column: Node
    origin: Node
    job: Node
    how: str
    run: UUID | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """All that the values of a column were made from.

    Attributes:
        hops: From the column back to the sources, the nearest first.
        sources: Columns of which no job tells an origin.
    """

    hops: tuple[Hop, ...]
    sources: tuple[Node, ...]


def chain(reader: Reader, origins: Origins, starts: Iterable[Origin]) -> Chain:
    """Return the chain that begins with some origins of a column.

    What only decides on rows, such as a filter or the key of a join, is left out.

    Args:
        reader: Knows the names.
        origins: The origins of all columns.
        starts: The first hops.
    """
    queue = deque(one for one in starts if one.type != INDIRECT)
    known = set(queue)
    hops, ends = [], []
    while queue:
        hop = queue.popleft()
        hops.append(hop)
        further = [
            one
            for one in origins.made_from(Place(hop.input, hop.input_field))
            if one.type != INDIRECT
        ]
        if not further:
            ends.append(Place(hop.input, hop.input_field))
        fresh = [one for one in further if one not in known]
        known.update(fresh)
        queue.extend(fresh)
    return Chain(
        hops=tuple(_hop(reader, origins, one) for one in hops),
        sources=tuple(_field(reader, one) for one in dict.fromkeys(ends)),
    )


def _hop(reader: Reader, origins: Origins, origin: Origin) -> Hop:
    (job,) = reader.nodes([origin.job])
    how = ": ".join(part for part in (origin.subtype, origin.description) if part)
    return Hop(
        column=_field(reader, Place(origin.output, origin.output_field)),
        origin=_field(reader, Place(origin.input, origin.input_field)),
        job=job,
        how=how,
        run=origins.run(origin),
    )


def _field(reader: Reader, place: Place) -> Node:
    (owner,) = reader.nodes([place.key])
    return Node.of_field(owner.namespace, owner.name, place.field)
