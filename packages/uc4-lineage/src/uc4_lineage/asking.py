"""Every question that the lineage answers, as a value that a task can be given."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AwareDatetime, Field

from mlops_common.params import Params
from uc4_lineage.answers import plain
from uc4_lineage.graph import Direction
from uc4_lineage.questions import closure, gaps, history, impact
from uc4_lineage.questions import runs as of_runs
from uc4_lineage.reading import Reader

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

Edges = Annotated[int, Field(ge=1)]


class Question(Params, ABC):
    """A question; what it may be asked with are its attributes."""

    @abstractmethod
    def asked(self, platform: "Platform", reader: Reader) -> Any:
        """Return the answer, or raise why there is none; see `answer`."""


def answer(platform: "Platform", reader: Reader, question: Question) -> Any:
    """Return the answer to a question as JSON holds it.

    Args:
        platform: Where the registry is, and the snapshots; for traces alone.
        reader: Reads the store.
        question: What is asked.

    Raises:
        NotFoundError: What it names is unknown, or unclear.
        ConfigError: It cannot be asked so.
        BackendError: The store cannot be read.
    """
    return plain(question.asked(platform, reader))


class Up(Question):
    """What a node was made from; see `closure`."""

    node: str
    depth: Edges | None = None
    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return closure.closure(reader, self.node, Direction.UP, self.depth, self.at)


class Down(Question):
    """What is made from a node; see `closure`."""

    node: str
    depth: Edges | None = None
    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return closure.closure(reader, self.node, Direction.DOWN, self.depth, self.at)


class Impact(Question):
    """What breaks when a dataset or a column changes."""

    node: str
    depth: Edges | None = None
    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return impact.impact(reader, self.node, self.depth, self.at)


class Path(Question):
    """A shortest way along which data flows."""

    start: str
    end: str
    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return closure.path(reader, self.start, self.end, self.at)


class AsOf(Question):
    """The graph as it was at a time; as it is when omitted."""

    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return history.as_of(reader, self.at)


class Diff(Question):
    """What changed between two times; the second one is now when omitted."""

    first: AwareDatetime
    second: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return history.diff(reader, self.first, self.second or datetime.now(UTC))


class Runs(Question):
    """The newest runs."""

    job: str | None = None
    state: of_runs.State | None = None
    since: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1)] = of_runs.LIMIT
    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        asked = self.job, self.state, self.since, self.limit, self.at
        return of_runs.runs(reader, *asked)


class Orphans(Question):
    """Datasets that are read but never written, or written but never read."""

    at: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return gaps.orphans(reader, self.at)


class Stale(Question):
    """Datasets without a new version, and runs that never ended, some days before."""

    days: Annotated[float, Field(ge=0)] = 7.0
    now: AwareDatetime | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: ARG002, D102
        return gaps.stale(reader, self.days, self.now or datetime.now(UTC))


class TracePrediction(Question):
    """Where a prediction comes from."""

    request: str | None = None
    entity: str | None = None

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: D102
        from uc4_lineage.trace.prediction import trace_prediction

        return trace_prediction(platform, reader, self.request, self.entity)


class TraceModel(Question):
    """Where a version of a model comes from."""

    name: str
    version: Annotated[int, Field(ge=1)]

    def asked(self, platform: "Platform", reader: Reader) -> Any:  # noqa: D102
        from uc4_lineage.trace.model import trace_model

        return trace_model(platform, reader, self.name, self.version)
