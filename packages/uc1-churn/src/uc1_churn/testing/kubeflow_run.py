"""A run as the double of Kubeflow keeps and tells it."""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


class PodError(Exception):
    """A pod ended badly; the text is what the server says of it."""


@dataclass
class DoubleTask:
    """A node of a run.

    Attributes:
        name: What is displayed: `fit-model`, or `executor` for the pod of one.
        pod: By what its log is asked for.
        state: Such as `RUNNING`.
        said: Its error.
        waiting: Why the pod does not start, in Kubernetes' word.
    """

    name: str
    pod: str
    state: str = "RUNNING"
    said: str = ""
    waiting: str = ""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def told(self) -> dict[str, Any]:
        """Return the node as JSON."""
        error = {"error": {"code": 2, "message": self.said}} if self.said else {}
        return {
            "display_name": self.name,
            "pod_name": self.pod,
            "state": self.state,
            "start_time": self.started,
            **error,
        }


@dataclass
class DoubleRun:
    """A run and what came of it.

    Attributes:
        body: As it was submitted.
        state: As the API tells it.
        cancelled: Set when somebody cancels it; the workload then ends soon.
        tasks: Its nodes in the order of their start.
        logs: Log of each pod.
    """

    body: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "PENDING"
    said: str = ""
    created: str = field(
        default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    cancelled: threading.Event = field(default_factory=threading.Event)
    tasks: list[DoubleTask] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is displayed as."""
        return str(self.body.get("display_name", ""))

    @property
    def parameters(self) -> dict[str, Any]:
        """What the pipeline is called with."""
        return dict(self.body.get("runtime_config", {}).get("parameters", {}))

    @property
    def document(self) -> dict[str, Any]:
        """The compiled pipeline, `pipeline_spec` and perhaps `platform_spec`."""
        found = dict(self.body["pipeline_spec"])
        return found if "pipeline_spec" in found else {"pipeline_spec": found}

    def task(self, name: str) -> DoubleTask:
        """Start a node; the caller sets its state when it ends."""
        task = DoubleTask(name, pod=f"churn-training-{self.id[:5]}-{len(self.tasks)}")
        self.tasks.append(task)
        return task

    def waiting(self, pod: str) -> str:
        """Return why a pod does not start; empty if it does."""
        return next((task.waiting for task in self.tasks if task.pod == pod), "")

    def told(self) -> dict[str, Any]:
        """Return the run as JSON."""
        error = {"error": {"code": 2, "message": self.said}} if self.said else {}
        return {
            "run_id": self.id,
            "experiment_id": self.body["experiment_id"],
            "display_name": self.name,
            "pipeline_spec": self.body["pipeline_spec"],
            "runtime_config": self.body.get("runtime_config", {}),
            "service_account": self.body.get("service_account") or "pipeline-runner",
            "storage_state": "AVAILABLE",
            "created_at": self.created,
            "state": self.state,
            "run_details": {"task_details": [task.told() for task in self.tasks]},
            **error,
        }


Workload: TypeAlias = Callable[[DoubleRun], None]


def execute(run: DoubleRun, workload: Workload) -> None:
    """Do the work of a run, and bring it to the state in which it ends."""
    run.state, root = "RUNNING", run.task("root")
    try:
        workload(run)
        ended = "SUCCEEDED"
    except PodError as error:
        ended, run.said = "FAILED", str(error)
    if run.cancelled.is_set():
        ended = "CANCELED"
    root.state = run.state = ended
