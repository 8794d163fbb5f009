"""Runs as the Kubeflow API server tells them, in values of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})


@dataclass(frozen=True, slots=True)
class Task:
    """A node of a run: the run itself, a component, or a pod of one.

    Attributes:
        name: Such as `fit-model`; pods of a component are called `executor`.
        state: Such as `FAILED`.
        pod: What its log is asked for by; empty where it has none.
        said: What the server knows of its error.
    """

    name: str
    state: str
    pod: str
    said: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the pipeline.

    Attributes:
        id: The server's id.
        state: Such as `RUNNING`; empty right after the submission.
        created: When, an ISO instant of whole seconds.
        said: What the server knows of its error.
        tasks: In the order in which they started.
    """

    id: str
    state: str
    created: str
    said: str
    tasks: tuple[Task, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more, or will."""
        return self.state in ENDED

    @property
    def live(self) -> bool:
        """Whether it may still bring a model."""
        return not self.ended and self.state != "CANCELING"

    @property
    def failed(self) -> tuple[Task, ...]:
        """The tasks that failed, from the whole to the part."""
        return tuple(task for task in self.tasks if task.state == "FAILED")

    @property
    def pending(self) -> tuple[str, ...]:
        """The pods that were made but do not run yet."""
        return tuple(t.pod for t in self.tasks if t.pod and t.state == "PENDING")

    def culprit(self, components: Sequence[str]) -> str:
        """Return the name of the component that failed.

        Args:
            components: Names of those that the pipeline has.

        Examples:
            >>> failed = [Task(name, "FAILED", "", "") for name in ("root", "fit")]
            >>> Run("1", "FAILED", "", "", tuple(failed)).culprit(["fit", "register"])
            'fit'
        """
        names = [task.name for task in self.failed]
        known = [name for name in names if name in components]
        return next(iter(known or names[-1:]), "of unknown name")


def parsed(found: Any) -> Run:
    """Return a run of the vendor's client as ours."""
    details = found.run_details.task_details if found.run_details else None
    tasks = sorted(details or (), key=lambda task: str(task.start_time or ""))
    return Run(
        id=found.run_id,
        state=found.state or "",
        created=found.created_at.isoformat() if found.created_at else "",
        said=_said(found),
        tasks=tuple(
            Task(
                name=task.display_name or "",
                state=task.state or "",
                pod=task.pod_name or "",
                said=_said(task),
            )
            for task in tasks
        ),
    )


def _said(found: Any) -> str:
    return (found.error.message or "") if found.error else ""
