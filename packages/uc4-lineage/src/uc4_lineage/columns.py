"""Which fields are made from which, and how far that is known.

Where a job tells the origin of each field of an output, what depends on one field is
exactly known. Where it does not, all of the output may: that is the level of tables.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import NamedTuple

from uc4_lineage.graph import Direction
from uc4_lineage.reading import Snapshot

WHOLE = ""  # in place of a field: every field of the dataset


class Level(StrEnum):
    """How well it is known that one thing depends on another."""

    COLUMN = "column"  # the origins of the fields say so
    TABLE = "table"  # some job on the way does not tell the origins


class Origin(NamedTuple):
    """A field that a field of an output is made from, and by which job.

    Attributes:
        job: Key of the job, less than 0.
        output: Key of the dataset that the job wrote.
        output_field: Its field; empty where the origin counts for all of them, as the
            column of a filter does.
        input: Key of the dataset that the job read.
        input_field: Its field.
        type: DIRECT, INDIRECT or empty.
        subtype: Such as IDENTITY, AGGREGATION or FILTER, or empty.
        description: What the transformation does, in words or SQL.
        masking: Whether the values cannot be told from the result.
    """

    job: int
    output: int
    output_field: str
    input: int
    input_field: str
    type: str = ""
    subtype: str = ""
    description: str = ""
    masking: bool = False


class Place(NamedTuple):
    """A job, a dataset or a field.

    Attributes:
        key: Of the job or dataset.
        field: Name of the field; empty for a job, or for all of a dataset.
    """

    key: int
    field: str = WHOLE


@dataclass(frozen=True, slots=True)
class Met:
    """Something that a walk met.

    Attributes:
        place: A job, a dataset or a field.
        distance: Edges between it and the start by the shortest way of that level; a
            job lies between two fields as between two datasets.
        level: How well it is known that the two depend on each other.
    """

    place: Place
    distance: int
    level: Level


class ColumnGraph:
    """The origins of fields, on top of the graph of jobs and datasets.

    Args:
        snapshot: Who read and wrote what.
        origins: Which field each field is made from, as far as jobs tell.
    """

    def __init__(self, snapshot: Snapshot, origins: Iterable[Origin]) -> None:
        self.snapshot = snapshot
        self.origins = tuple(origins)
        # Of these outputs of jobs the origins are told.
        self.told = {(one.job, one.output) for one in self.origins}
        self._makes: dict[Place, list[Origin]] = defaultdict(list)
        self._made: dict[Place, list[Origin]] = defaultdict(list)
        for one in self.origins:
            for field in {one.input_field, WHOLE}:
                self._makes[Place(one.input, field)].append(one)
            for field in {one.output_field, WHOLE}:
                self._made[Place(one.output, field)].append(one)

    def made_from(self, place: Place) -> list[Origin]:
        """Return the origins of a field, or of all fields of a dataset.

        What counts for all of the dataset's fields counts for each.
        """
        return self._beside(place, Direction.UP)

    def _beside(self, place: Place, direction: Direction) -> list[Origin]:
        if direction is Direction.DOWN:
            return self._makes.get(place, [])
        own = self._made.get(place, [])
        if place.field == WHOLE:
            return own
        all_of_it = self._made.get(Place(place.key), [])
        return [*own, *(one for one in all_of_it if one.output_field == WHOLE)]

    def next_to(self, key: int, direction: Direction) -> list[int]:
        """Return the keys of the nodes that one edge parts from that with a key."""
        number = self.snapshot.number(key)
        if number is None:
            return []
        near = self.snapshot.graph.next_to(number, direction)
        return [int(other) for other in self.snapshot.keys[near]]

    def walk(
        self, start: Place, direction: Direction, depth: int | None = None
    ) -> list[Met]:
        """Return what depends on a field, or what the field depends on.

        Args:
            start: A field, or all of a dataset.
            direction: UP to its origins, DOWN to what is made from it.
            depth: Most edges between the start and what is met.

        Returns:
            Jobs, datasets and fields, the nearest first, the start included. A dataset
            stands for all of its fields. Each is there once, with the better level.
        """
        walk = _Walk(self, direction, depth)
        walk.follow([(0, start)], Level.COLUMN)
        walk.follow(walk.unsure, Level.TABLE)
        return sorted(walk.met.values(), key=lambda one: (one.distance, one.place))

    def path(self, start: Place, end: Place) -> list[Place]:
        """Return a shortest way from one field to another one made from it.

        Returns:
            The fields on the way, both ends included; nothing where there is none.
        """
        before: dict[Place, Place] = {start: start}
        queue = deque([start])
        while queue and end not in before:
            place = queue.popleft()
            for one in self._makes.get(place, []):
                for made in self._fields_of(one, end):
                    if made not in before:
                        before[made] = place
                        queue.append(made)
        return _traced(before, start, end)

    def _fields_of(self, origin: Origin, end: Place) -> list[Place]:
        """Return the fields that an origin counts for, as far as a way may need them.

        An origin of all fields stands for each that something is made from, and `end`.
        """
        whole = Place(origin.output)
        if origin.output_field != WHOLE:
            return [Place(origin.output, origin.output_field)]
        further = {
            Place(one.input, one.input_field) for one in self._makes.get(whole, [])
        }
        return sorted(further | ({end} if end.key == origin.output else set()))


def _traced(before: Mapping[Place, Place], start: Place, end: Place) -> list[Place]:
    if end not in before:
        return []
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]


class _Walk:
    """One walk: first along what is surely known, then from where that ends."""

    def __init__(
        self, graph: ColumnGraph, direction: Direction, depth: int | None
    ) -> None:
        self.graph = graph
        self.direction = direction
        self.depth = depth
        self.met: dict[Place, Met] = {}
        self.unsure: list[tuple[int, Place]] = []
        self._untold: set[int] = set()

    def follow(self, seeds: Iterable[tuple[int, Place]], level: Level) -> None:
        """Meet all that can be reached from the seeds, each with its distance."""
        self._untold.clear()
        ties = count()
        queue = [(distance, next(ties), place) for distance, place in seeds]
        heapq.heapify(queue)
        while queue:
            distance, _, place = heapq.heappop(queue)
            if self._meet(place, distance, level) and place.key > 0:
                for further, other in self._beyond(place, distance, level):
                    heapq.heappush(queue, (further, next(ties), other))

    def _meet(self, place: Place, distance: int, level: Level) -> bool:
        """Note a place unless it, or all of its dataset, was met; return whether."""
        if self.depth is not None and distance > self.depth:
            return False
        if place in self.met or Place(place.key) in self.met:
            return False
        self.met[place] = Met(place, distance, level)
        return True

    def _beyond(
        self, place: Place, distance: int, level: Level
    ) -> Iterator[tuple[int, Place]]:
        for one in self.graph._beside(place, self.direction):  # noqa: SLF001 - its other half
            yield distance + 1, Place(one.job)
            if self.direction is Direction.DOWN:
                yield distance + 2, Place(one.output, one.output_field)
            else:
                yield distance + 2, Place(one.input, one.input_field)
        untold = self._beyond_untold(place.key, distance)
        if level is Level.TABLE:
            yield from untold
        else:
            self.unsure += untold

    def _beyond_untold(self, dataset: int, distance: int) -> list[tuple[int, Place]]:
        """Return what may depend on the dataset, by jobs that do not tell origins."""
        if dataset in self._untold:
            return []
        self._untold.add(dataset)
        found = []
        for job in self.graph.next_to(dataset, self.direction):
            others = self.graph.next_to(job, self.direction)
            if self.direction is Direction.DOWN:
                told = [other for other in others if (job, other) in self.graph.told]
            else:
                told = others if (job, dataset) in self.graph.told else []
            if not others or len(told) < len(others):
                found.append((distance + 1, Place(job)))
            found += [(distance + 2, Place(o)) for o in others if o not in told]
        return found
