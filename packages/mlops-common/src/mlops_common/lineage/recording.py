"""What the run at hand reads and writes, said where it happens.

Plain code says `reads(table)` and `writes(dataset)`. Whoever runs it, such as a step of
a flow, listens with `recording()` and tells what was said; where nobody listens the
calls cost nothing. An error in what is said is logged and ends no run.

What a thread says that knows of no run, such as one of a pool, is heard by the run that
listens. Where several do at once, none hears it, and a warning tells how to start it.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from mlops_common.lineage.courtesy import courtesy
from mlops_common.lineage.dataset import LEFT_OUT, Dataset
from mlops_common.lineage.json_value import facet_value
from mlops_common.lineage.naming import DatasetName
from mlops_common.lineage.observation import Observation
from mlops_common.lineage.statement import Statement
from mlops_common.logger import get_logger
from mlops_common.params import masked

Said: TypeAlias = Dataset | Iterable[Dataset]
Told: TypeAlias = Said | Callable[[], Said]

MOST_DATASETS = 1_000  # that a run reads, and that it writes
MOST_STATEMENTS = 200
MOST_QUERIES = 1 << 20  # characters of all statements
MOST_NOTES = 100  # facets, and jobs without a run

log = get_logger(__name__)
_current: ContextVar["Recording | None"] = ContextVar("recording", default=None)
# Those that listen, each with the one that it is within.
_open: dict["Recording", "Recording | None"] = {}
os.register_at_fork(after_in_child=_open.clear)  # a fork tells nothing of these runs


class Recording:
    """What was said in one run; any thread may say it.

    It holds 1,000 datasets of each kind, 200 statements of a million characters in all,
    100 facets and 100 jobs without a run; how many more were said is told by the facet
    `left_out`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inputs: dict[DatasetName, Dataset] = {}
        self._outputs: dict[DatasetName, Dataset] = {}
        self._statements: list[Statement] = []
        self._facets: dict[str, Any] = {}
        self._declared: list[Observation] = []
        self._queries = 0
        self._left_out: Counter[str] = Counter()

    @property
    def inputs(self) -> tuple[Dataset, ...]:
        """Datasets that were read, in the order in which they were first named."""
        with self._lock:
            return tuple(self._inputs.values())

    @property
    def outputs(self) -> tuple[Dataset, ...]:
        """Datasets that were written, in the order in which they were first named."""
        with self._lock:
            return tuple(self._outputs.values())

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Statements of SQL, in order."""
        with self._lock:
            return tuple(self._statements)

    @property
    def facets(self) -> dict[str, Any]:
        """What was noted of the run, by name."""
        with self._lock:
            more = {LEFT_OUT: dict(self._left_out)} if self._left_out else {}
            return self._facets | more

    @property
    def declared(self) -> tuple[Observation, ...]:
        """Jobs without a run, in order."""
        with self._lock:
            return tuple(self._declared)

    def read(self, dataset: Dataset) -> None:
        """Add an input; what was said of it before holds on."""
        self._add(self._inputs, dataset)

    def write(self, dataset: Dataset) -> None:
        """Add an output; what was said of it before holds on."""
        self._add(self._outputs, dataset)

    def execute(self, statement: Statement) -> None:
        """Add a statement of SQL."""
        with self._lock:
            size = self._queries + len(statement.query)
            if len(self._statements) < MOST_STATEMENTS and size <= MOST_QUERIES:
                self._statements.append(statement)
                self._queries = size
            else:
                self._left_out["statements"] += 1

    def declare(self, job: Observation) -> None:
        """Add a job without a run."""
        with self._lock:
            if len(self._declared) < MOST_NOTES:
                self._declared.append(job)
            else:
                self._left_out["jobs"] += 1

    def note(self, name: str, value: Mapping[str, Any]) -> None:
        """Add to what is noted of the run under a name."""
        facet = facet_value(value)
        with self._lock:
            known = self._facets.get(name)
            if known is None and len(self._facets) >= MOST_NOTES:
                self._left_out["facets"] += 1
            else:
                self._facets[name] = facet_value({**(known or {}), **facet})

    def _add(self, into: dict[DatasetName, Dataset], dataset: Dataset) -> None:
        with self._lock:
            known = into.get(dataset.name)
            if known is None and len(into) >= MOST_DATASETS:
                self._left_out["datasets"] += 1
            else:
                into[dataset.name] = dataset if known is None else known.with_(dataset)


@contextmanager
def recording() -> Iterator[Recording]:
    """Listen to what is said until the block ends; a recording within has its own.

    Examples:
        >>> from mlops_common.lineage.naming import stored
        >>> with recording() as run:
        ...     reads(Dataset(name=stored("/data/orders.csv")))
        >>> print(run.inputs[0].name)
        file/data/orders.csv
    """
    run = Recording()
    _open[run] = _current.get()
    token = _current.set(run)
    try:
        yield run
    finally:
        _current.reset(token)
        _open.pop(run, None)


def reads(*datasets: Told) -> None:
    """Say what the run at hand reads.

    Args:
        datasets: Each a dataset, several, or a function that returns such; it is
            called only where somebody listens.

    Examples:
        >>> reads(lambda: 1 / 0)  # nobody listens
    """
    _tell(Recording.read, datasets)


def writes(*datasets: Told) -> None:
    """Say what the run at hand writes; as `reads`."""
    _tell(Recording.write, datasets)


def executes(statement: Statement | Callable[[], Statement]) -> None:
    """Say which SQL the run at hand executes; its tables and columns follow from it.

    Args:
        statement: The statement, or a function that returns it, which is called only
            where somebody listens.
    """
    with _listening() as run:
        if run is not None:
            run.execute(statement() if callable(statement) else statement)


def notes(
    name: str, value: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
) -> None:
    """Note something of the run at hand, such as `notes("model", {"auc": 0.8})`.

    Args:
        name: Of the facet, which is told as `mlops_<name>`.
        value: What JSON can hold, by name; or a function that returns it.
    """
    with _listening() as run:
        if run is not None:
            run.note(name, value() if callable(value) else value)


def declares(job: Observation | Callable[[], Observation]) -> None:
    """Say that the run at hand makes a job that has no runs, such as a service.

    Args:
        job: As `observation.declared` returns it, or a function that returns that.
    """
    with _listening() as run:
        if run is not None:
            run.declare(job() if callable(job) else job)


def _tell(add: Callable[[Recording, Dataset], None], told: Iterable[Told]) -> None:
    for one in told:
        with _listening() as run:
            if run is None:
                return
            said = one() if callable(one) else one
            for dataset in (said,) if isinstance(said, Dataset) else said:
                add(run, dataset)


@contextmanager
def _listening() -> Iterator[Recording | None]:
    """Yield who listens; no run fails for what is said of it."""
    try:
        with courtesy().speaking():
            yield _current.get() or _innermost()
    except Exception as error:  # noqa: BLE001 - whatever it is
        log.warning("part of the lineage stays unknown: %s", masked(f"{error!r}"))


def _innermost() -> Recording | None:
    """Return the run that alone listens, with none within; nothing where several do."""
    known = _open.copy()
    inner = [run for run in known if run not in known.values()]
    if len(inner) > 1:
        log.warning(
            "a thread says what it reads or writes, and %d runs may be meant, so that "
            "none tells it; start it with contextvars.copy_context().run",
            len(inner),
        )
    return inner[0] if len(inner) == 1 else None
