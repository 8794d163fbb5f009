"""What the page shows, as plain text and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """What a node is drawn as."""

    DATASET = "dataset"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value.

    Attributes:
        address: Where a browser finds more of it; empty for nowhere.
    """

    name: str
    value: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a dataset."""

    name: str
    type: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a job.

    Attributes:
        state: NEW, RUNNING, COMPLETED, FAILED or ABORTED.
        started: When, as text.
        took: How long, as text.
        id: Its UUID.
        error: What went wrong, in a line or two.
    """

    state: str
    started: str
    took: str
    id: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a dataset, and when it was written."""

    version: str
    created: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet as JSON.

    Attributes:
        name: Such as `ownership`.
        text: Its JSON, indented; the beginning of it where it is long.
        left_out: What the text lacks, in words.
    """

    name: str
    text: str
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class PageNode:
    """A dataset or job, and all that the page tells of it.

    Attributes:
        id: By which Marquez names it, such as `dataset:etl:public.orders`.
        shape: What it is drawn as.
        kind: What it is: a table, a file, a model, …; `job` for a job.
        namespace: Of its name.
        name: Unique in the namespace.
        note: A few words below the name.
        state: Of the last run of a job; empty where there is none.
        description: What people wrote about it.
        code: Its query or source.
    """

    id: str
    shape: Shape
    kind: str
    namespace: str
    name: str
    note: str = ""
    state: str = ""
    description: str = ""
    code: str = ""
    facts: tuple[Fact, ...] = ()
    fields: tuple[Field, ...] = ()
    runs: tuple[Run, ...] = ()
    versions: tuple[Version, ...] = ()
    facets: tuple[Facet, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnEdge:
    """A column that another one is made from.

    Attributes:
        input: Number of the dataset of the first column.
        input_field: Its name.
        output: Number of the dataset of the second one.
        output_field: Its name; empty where it counts for all of them.
        job: Number of the job between them; -1 where it is not on the page.
        type: DIRECT, INDIRECT or empty.
    """

    input: int
    input_field: str
    output: int
    output_field: str
    job: int = -1
    type: str = ""


@dataclass(frozen=True, slots=True)
class PageContent:
    """Everything on one page.

    Attributes:
        title: What the graph is of.
        subtitle: When it was so, and how much there is.
        nodes: The n datasets and jobs, by which others are numbered.
        edges: Numbers of tail and head, in the direction of the data.
        column_edges: The same between columns.
        facts: What to know of the graph as a whole.
        chosen: Number of the node that the page opens with; -1 for none.
        chosen_field: A column of it; empty for none.
    """

    title: str
    subtitle: str
    nodes: tuple[PageNode, ...]
    edges: tuple[tuple[int, int], ...]
    column_edges: tuple[ColumnEdge, ...] = ()
    facts: tuple[Fact, ...] = ()
    chosen: int = -1
    chosen_field: str = ""

    @property
    def unlisted(self) -> Mapping[int, tuple[str, ...]]:
        """The columns of edges which the schema of their dataset lacks, by its number.

        Examples:
            >>> orders = PageNode("dataset:a:b", Shape.DATASET, "table", "a", "b")
            >>> edge = ColumnEdge(0, "price", 0, "total")
            >>> PageContent("", "", (orders,), (), (edge,)).unlisted
            {0: ('price', 'total')}
        """
        found: dict[int, dict[str, None]] = {}
        for edge in self.column_edges:
            found.setdefault(edge.input, {})[edge.input_field] = None
            found.setdefault(edge.output, {})[edge.output_field] = None
        for node, names in found.items():
            for known in ("", *(one.name for one in self.nodes[node].fields)):
                names.pop(known, None)
        return {node: tuple(names) for node, names in found.items() if names}
