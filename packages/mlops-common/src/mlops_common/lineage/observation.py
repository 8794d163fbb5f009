"""What is known of a run at one moment: what an event of OpenLineage is made from.

An observation is a plain value that JSON holds, so that it can be written down in
microseconds and told later, by this process or another.
"""

import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from pydantic import AwareDatetime
from pydantic import Field as PydanticField

from mlops_common.lineage.dataset import Dataset, JsonFacets, Name, Text
from mlops_common.lineage.statement import Statement
from mlops_common.refs import Ref

State: TypeAlias = Literal["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]


class JobRun(Ref):
    """One run of one job.

    Attributes:
        run: UUID of the run.
        job: Name of the job.
        namespace: Of the job; that of the settings when empty.
    """

    run: str
    job: Name
    namespace: Name = ""


class Failure(Ref):
    """What ended a run.

    Attributes:
        message: For people.
        stack: Stack trace.
    """

    message: Text
    stack: Text = ""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Return what an error tells, with passwords hidden.

        Examples:
            >>> Failure.of(OSError("no answer from http://ann:s3cret@db")).message
            'OSError: no answer from http://ann:***@db'
        """
        stack = "".join(traceback.format_exception(error))
        named = type(error).__name__
        with suppress(Exception):  # an error may fail to tell what it is
            named = f"{named}: {error}"
        return cls(message=named, stack=stack)


class Engine(Ref):
    """What runs the jobs, such as Prefect 3.8.8."""

    name: Text
    version: Text


class Code(Ref):
    """Where the code of a job is.

    Attributes:
        module: Such as `uc1_churn.tasks.data_ingestion`.
        distribution: The package that it was installed with, and its version.
        path: Of the file in its repository; empty where it is in none.
        commit: That the repository is at: 40 hexadecimal digits.
        branch: That the repository is on.
        repository: URL that the repository was cloned from.
        file: URI of the file on this machine.
    """

    module: Text
    distribution: Text = ""
    path: Text = ""
    commit: Text = ""
    branch: Text = ""
    repository: Text = ""
    file: Text = ""


class Recorded(Protocol):
    """What was said in a run."""

    @property
    def inputs(self) -> tuple[Dataset, ...]:
        """Datasets that were read."""
        ...

    @property
    def outputs(self) -> tuple[Dataset, ...]:
        """Datasets that were written."""
        ...

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Statements of SQL."""
        ...

    @property
    def facets(self) -> Mapping[str, Any]:
        """What was noted of the run, by name."""
        ...


class Observation(Ref):
    """What is known of a run at one moment, or of a job that has no run.

    Attributes:
        state: What happened; `OTHER` adds to what is known and changes no state.
        at: When.
        run: UUID of the run; empty for a job as it is designed, without a run.
        job: Name of the job, `flow.task`.
        namespace: Of the job; that of the settings when empty.
        parent: The run that this one is a part of.
        root: The run that all of it is a part of; the parent when omitted.
        job_type: `FLOW`, `TASK` and the like.
        documentation: What the job does, for people.
        nominal_start: When it was due.
        nominal_end: When the next one is due.
        engine: What runs the job.
        code: Where its code is.
        failure: What ended it.
        inputs: What it reads.
        outputs: What it writes.
        statements: SQL that it executed.
        facets: Anything else of the run, by name, as JSON; told as `mlops_<name>`.
    """

    state: State
    at: AwareDatetime
    run: str
    job: Name
    namespace: Name = ""
    parent: JobRun | None = None
    root: JobRun | None = None
    job_type: Text = ""
    documentation: Text = ""
    nominal_start: AwareDatetime | None = None
    nominal_end: AwareDatetime | None = None
    engine: Engine | None = None
    code: Code | None = None
    failure: Failure | None = None
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()
    statements: tuple[Statement, ...] = ()
    facets: JsonFacets = PydanticField(default_factory=dict)

    def with_recorded(self, said: Recorded) -> "Observation":
        """Return the same with what was said in the run, as a `Recording` holds it."""
        return self.model_copy(
            update={
                "inputs": (*self.inputs, *said.inputs),
                "outputs": (*self.outputs, *said.outputs),
                "statements": (*self.statements, *said.statements),
                "facets": {**self.facets, **said.facets},
            }
        )


def observed(state: State, run: JobRun, at: datetime, **known: Any) -> Observation:
    """Return an observation of a run.

    Examples:
        >>> from datetime import UTC
        >>> run = JobRun(run="c9bf9e57-1685-4c89-bafb-ff5af830be8a", job="flow.task")
        >>> observed("START", run, datetime(2026, 1, 31, tzinfo=UTC)).job
        'flow.task'
    """
    return Observation(
        state=state,
        at=at,
        run=run.run,
        job=run.job,
        namespace=run.namespace,
        **known,
    )


def declared(job: str, at: datetime, namespace: str = "", **known: Any) -> Observation:
    """Return what is known of a job that has no run, such as a service.

    Examples:
        >>> from datetime import UTC
        >>> declared("serve.churn-predictor", datetime(2026, 1, 31, tzinfo=UTC)).run
        ''
    """
    return Observation(
        state="OTHER", at=at, run="", job=job, namespace=namespace, **known
    )
