"""Gathers what the page shows of a graph from the embedded store."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from psycopg.rows import DictRow, dict_row

from uc4_lineage.columns import ColumnGraph, Origin
from uc4_lineage.page.content import ColumnEdge, Facet, Fact, PageContent, PageNode
from uc4_lineage.page.describing import Known, page_node
from uc4_lineage.page.facets import as_text
from uc4_lineage.reading import Reader, Snapshot, translated
from uc4_lineage.wording import to_minute

SQL = files("uc4_lineage.page") / "sql"
LONGEST = 1_000_000  # characters of a facet that are read
ONE_FACET = 6_000  # characters of a facet that are shown
ALL_FACETS = 8_000_000  # the same of all facets of a page together
MOST = 5  # runs of a job, versions of a dataset
RUN = "run: "  # before the name of a facet of a job's last run


def gather(
    reader: Reader,
    graph: ColumnGraph,
    keys: Iterable[int],
    *,
    title: str,
    at: datetime,
) -> PageContent:
    """Return what the page shows of some nodes of a graph.

    Args:
        reader: Reads the store.
        graph: Who read and wrote what, and which field each field is made from.
        keys: Of the nodes on the page; the edges of others are left out.
        title: What the page is about.
        at: The time of the graph. Its facets are those of now.

    Raises:
        BackendError: The store cannot be read.
    """
    shown = list(dict.fromkeys(keys))
    number = {key: i for i, key in enumerate(shown)}
    known = _known(reader, shown, at)
    named = zip(reader.nodes(shown), shown, strict=True)
    nodes = tuple(page_node(node, known[key]) for node, key in named)
    edges = _edges(graph.snapshot, number)
    datasets = sum(key > 0 for key in shown)
    jobs = len(shown) - datasets
    return PageContent(
        title=title,
        subtitle=f"As of {to_minute(at)} · {datasets:,} datasets, {jobs:,} jobs",
        nodes=nodes,
        edges=edges,
        column_edges=_column_edges(graph.origins, number),
        facts=_facts(nodes, at),
    )


def _edges(
    snapshot: Snapshot, number: Mapping[int, int]
) -> tuple[tuple[int, int], ...]:
    ends = (snapshot.keys[snapshot.graph.tails], snapshot.keys[snapshot.graph.heads])
    pairs = zip(*(end.tolist() for end in ends), strict=True)
    return tuple(
        (number[tail], number[head])
        for tail, head in pairs
        if tail in number and head in number
    )


def _column_edges(
    origins: Iterable[Origin], number: Mapping[int, int]
) -> tuple[ColumnEdge, ...]:
    return tuple(
        ColumnEdge(
            *(number[one.input], one.input_field, number[one.output]),
            *(one.output_field, number.get(one.job, -1), one.type),
        )
        for one in origins
        if one.input in number and one.output in number
    )


def _facts(nodes: Sequence[PageNode], at: datetime) -> tuple[Fact, ...]:
    spaces = {node.namespace for node in nodes}
    datasets = sum(node.shape == "dataset" for node in nodes)
    columns = sum(len(node.fields) for node in nodes)
    counts = {
        "Graph of": to_minute(at),
        "Datasets": f"{datasets:,}",
        "Jobs": f"{len(nodes) - datasets:,}",
        "Columns": f"{columns:,}",
        "Namespaces": f"{len(spaces):,}",
    }
    return tuple(Fact(name, value) for name, value in counts.items())


def _known(reader: Reader, keys: Sequence[int], at: datetime) -> dict[int, Known]:
    """Return what the store knows of each node."""
    known = {key: Known() for key in keys}
    datasets = {"ids": [key for key in keys if key > 0]}
    jobs = {"ids": [-key for key in keys if key < 0]}
    then = {"at": at, "most": MOST}
    for row in _rows(reader, "datasets", **datasets):
        known[row["id"]].row = row
    for row in _rows(reader, "jobs", **jobs):
        known[-row["id"]].row = row
    for row in _rows(reader, "versions", **datasets, **then):
        known[row["id"]].history.append(row)
    for row in _rows(reader, "runs", **jobs, **then):
        known[-row["id"]].history.append(row)
    _read_facets(reader, known, datasets, jobs, at)
    return known


def _read_facets(
    reader: Reader,
    known: Mapping[int, Known],
    datasets: Mapping[str, Any],
    jobs: Mapping[str, Any],
    at: datetime,
) -> None:
    """Read the facets of datasets, jobs and last runs, each to where it belongs."""
    read = {"longest": LONGEST}
    of_datasets = _rows(reader, "dataset_facets", **datasets, **read)
    of_jobs = _rows(reader, "job_facets", **jobs, **read)
    of_runs = _rows(reader, "run_facets", **jobs, **read, at=at)
    count = len(of_datasets) + len(of_jobs) + len(of_runs)
    room = min(ONE_FACET, ALL_FACETS // max(count, 1))
    for row in of_datasets:
        one = known[row["id"]]
        one.shown.append(_facet(row, one.facets, room))
    for row in of_jobs:
        one = known[-row["id"]]
        one.shown.append(_facet(row, one.facets, room))
    for row in of_runs:
        one = known[-row["id"]]
        one.shown.append(_facet(row, one.run_facets, room, RUN))


def _facet(row: DictRow, parsed: dict[str, Any], room: int, before: str = "") -> Facet:
    """Return a facet as the page shows it, and put its value, if read whole, aside."""
    text: str = row["text"]
    if row["size"] <= LONGEST:
        parsed[row["name"]] = json.loads(text)
        text = as_text(parsed[row["name"]])
    size = max(row["size"], len(text))
    note = f"The first {room:,} of {size:,} characters." if size > room else ""
    return Facet(before + row["name"], text[:room], note)


def _rows(reader: Reader, statement: str, **values: Any) -> list[DictRow]:
    text = (SQL / f"{statement}.sql").read_bytes()
    with translated(), reader.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text, values).fetchall()
