"""Waiting until a service's supervisor has done what was desired."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlops_common.errors import BackendError
from mlops_common.serving.state import Report, ServiceFolder, Status

TIMEOUT = 200.0  # seconds until a server answers, on a busy machine
POLL = 0.03
STARTS = 3  # of a supervisor that does not stay alive


@dataclass
class Wait:
    """One wait for a revision; starts the supervisor whenever it does not run.

    Attributes:
        service: The service.
        number: The revision.
        state: What it shall become, `ready` or `serving`.
        instead_of: Revision that shall have left the stable URL.
        forgiven: Starts of the revision after which its failure is an old story.
        environment: Variables for the supervisor.
    """

    service: ServiceFolder
    number: int
    state: Literal["ready", "serving"]
    instead_of: int | None = None
    forgiven: int = -1
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> Report:
        """Return the report of the revision once it is as wanted.

        Raises:
            BackendError: It failed, was stopped, or took too long; holds the last
                lines of the log.
        """
        deadline = time.monotonic() + TIMEOUT
        starts = 0
        while time.monotonic() < deadline:
            self._check_wanted()
            if not self.service.supervisor.running():
                if starts == STARTS:
                    raise BackendError(self._dead())
                starts += 1
                self._supervise()
            status = self.service.status()
            report = self._look(status) if status else None
            if report is not None:
                return report
            time.sleep(POLL)
        raise BackendError(
            f"{self._name} did not become {self.state} within "
            f"{TIMEOUT:.0f} s; {self.service.last_words(self.number)}"
        )

    def _look(self, status: Status) -> Report | None:
        if status.problem and self.state == "serving":
            raise BackendError(f"{self._name} cannot serve: {status.problem}")
        report = status.revisions.get(self.number)
        if report is None:
            return None
        if report.state == "failed" and report.starts > self.forgiven:
            raise BackendError(
                f"{self._name} failed {report.starts} times and was given up; "
                f"{self.service.last_words(self.number)}"
            )
        before = status.revisions.get(self.instead_of or 0)
        left = before is None or before.state in {"retiring", "failed"}
        reached = report.answers if self.state == "serving" else report.state == "ready"
        return report if left and reached else None

    def _check_wanted(self) -> None:
        if self.number not in self.service.desired().wanted():
            raise BackendError(f"{self._name} was stopped while it started")

    def _supervise(self) -> None:
        module = ("-m", "mlops_common.serving.supervisor")
        command = [sys.executable, *module, str(self.service.path)]
        self.service.supervisor.start(command, self.environment)

    def _dead(self) -> str:
        process = self.service.supervisor
        return (
            f"the supervisor of service {self.service.path.name!r} does not stay "
            f"alive; the end of {process.log} says:\n{process.tail() or 'nothing'}"
        )

    @property
    def _name(self) -> str:
        spec = self.service.spec(self.number)
        return f"version {spec.model.version} of service {spec.name!r}"
