"""Events of a file, told to the store as if they came now."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mlops_common.errors import ConfigError, ContractError
from mlops_common.lineage.store import LineageStore
from mlops_common.lineage.store.document import read
from mlops_common.lineage.store.outcome import MalformedError
from uc4_lineage.decoding import elements
from uc4_lineage.questions.history import State, as_of
from uc4_lineage.reading import Reader
from uc4_lineage.validation import Problem, problems


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the events of a file, and the graph that there is now.

    Attributes:
        events: Events in the file.
        stored: Those that the store did not know.
        duplicates: Those that it knew.
        refused: Those that are no events of OpenLineage, and why, in words.
        jobs: Jobs in the graph.
        datasets: Datasets in the graph.
        edges: Edges in the graph.
        digest: Of the graph: the same for the same names and edges.
    """

    events: int
    stored: int
    duplicates: int
    refused: tuple[str, ...]
    jobs: int
    datasets: int
    edges: int
    digest: str


def replay(store: LineageStore, reader: Reader, path: Path) -> Replayed:
    """Store the events of a file, in its order; a second time nothing changes.

    Args:
        store: Where to.
        reader: Reads the same store.
        path: A JSON array of events, or an event on each line.

    Raises:
        ConfigError: The file cannot be read.
        ContractError: It is no JSON.
        BackendError: The store cannot be written.
    """
    events = events_of(path)
    refused, sound = [], []
    for number, event in enumerate(events, start=1):
        try:
            document = read(event)
            found = problems(document.value)
        except MalformedError as error:
            found = [Problem(error.where, error.reason)]
        refused += [f"event {number}: {found[0]}"] if found else []
        sound += [] if found else [(number, document.body)]
    told = store.ingest([event for _, event in sound])
    for refusal in told.refused:
        number = sound[refusal.index][0]
        refused.append(f"event {number}: {refusal.where}: {refusal.reason}")
    graph = as_of(reader, None)
    return Replayed(
        events=len(events),
        stored=told.stored,
        duplicates=told.duplicates,
        refused=tuple(refused),
        jobs=len(graph.jobs),
        datasets=len(graph.datasets),
        edges=len(graph.edges),
        digest=digest(graph),
    )


def digest(graph: State) -> str:
    """Return 16 hexadecimal digits that are the same for the same graph.

    Examples:
        >>> digest(State(None, (), (), ())) == digest(State(None, (), (), ()))
        True
    """
    nodes = [[node.id] for node in (*graph.jobs, *graph.datasets)]
    edges = [[tail.id, head.id] for tail, head in graph.edges]
    return hashlib.sha256(orjson.dumps([nodes, edges])).hexdigest()[:16]


def events_of(path: Path) -> list[Any]:
    """Return the events of a file: a JSON array, or an event on each line.

    Returns:
        JSON, or decoded JSON; one of them may be neither an event nor JSON.

    Raises:
        ConfigError: The file cannot be read.
        ContractError: It is neither.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        if data.lstrip().startswith(b"["):
            return elements(data)
        return _lines(data)
    except ValueError as error:
        raise ContractError(
            f"{path} holds no events: expected a JSON array of them, or one on each "
            f"line, found: {error}"
        ) from error


def _lines(data: bytes) -> list[bytes]:
    """Return the lines that are not empty.

    Raises:
        ValueError: None of them is a JSON object.
    """
    lines = [line for line in data.splitlines() if line.strip()]
    problem: MalformedError | None = None
    for line in lines:
        try:
            read(line)
        except MalformedError as error:
            problem = problem or error
        else:
            return lines
    if problem is not None:
        raise ValueError(problem.reason) from problem
    return lines
