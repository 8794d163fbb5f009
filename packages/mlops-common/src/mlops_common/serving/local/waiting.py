"""Waiting until a service's supervisor has done what was desired."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlops_common.errors import BackendError
from mlops_common.processes import tail
from mlops_common.serving.local.records import Status
from mlops_common.serving.local.state import ServiceFolder

TIMEOUT = 200.0  # seconds until a server answers, on a busy machine
POLL = 0.03
STARTS = 3  # of a supervisor that does not stay alive


@dataclass(frozen=True, slots=True)
class Aim:
    """What is waited for.

    Attributes:
        revision: It must not fail meanwhile.
        verb: What it shall do, for messages.
        reached: Whether a status is as wanted.
        public: Whether the stable URL is needed, and so a port for it.
    """

    revision: int
    verb: str
    reached: Callable[[Status], bool]
    public: bool = True

    @classmethod
    def ready(cls, revision: int) -> "Aim":
        """Return that a revision answers at its private port."""

        def reached(status: Status) -> bool:
            report = status.revisions.get(revision)
            return report is not None and report.state == "ready"

        return cls(revision, "become ready", reached, public=False)

    @classmethod
    def serving(cls, revision: int, instead_of: int | None = None) -> "Aim":
        """Return that a revision answers at the stable URL, and one left it."""

        def reached(status: Status) -> bool:
            before = status.revisions.get(instead_of or 0)
            left = before is None or before.state in {"retiring", "failed"}
            return left and status.answers(revision)

        return cls(revision, "serve", reached)

    @classmethod
    def split(cls, staged: int, serving: int, percent: int) -> "Aim":
        """Return that a staged revision answers a share of the requests."""

        def reached(status: Status) -> bool:
            front = status.revisions.get(serving)
            alone = front is not None and front.state == "serving"
            if percent == 0:
                return alone and status.router is None
            return not alone and status.share(staged) == percent

        return cls(staged, f"answer {percent} % of the requests", reached)


@dataclass
class Wait:
    """One wait for a revision; starts the supervisor whenever it does not run.

    Attributes:
        service: The service.
        aim: What is waited for.
        forgiven: Starts of the revision after which its failure is an old story.
        environment: Variables for the supervisor.
    """

    service: ServiceFolder
    aim: Aim
    forgiven: int = -1
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> Status:
        """Return the service's status once it is as wanted.

        Raises:
            BackendError: The revision failed, was stopped, or took too long; holds the
                last lines of the log.
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
            if status is not None and self._reached(status):
                return status
            time.sleep(POLL)
        raise BackendError(
            f"{self._name} did not {self.aim.verb} within {TIMEOUT:.0f} s; "
            f"{self.service.last_words(self.aim.revision)}"
        )

    def _reached(self, status: Status) -> bool:
        if status.problem and self.aim.public:
            raise BackendError(f"{self._name} cannot serve: {status.problem}")
        report = status.revisions.get(self.aim.revision)
        if report is None:
            return False
        if report.state == "failed" and report.starts > self.forgiven:
            raise BackendError(
                f"{self._name} failed {report.starts} times and was given up; "
                f"{self.service.last_words(self.aim.revision)}"
            )
        if status.router is not None and status.router.state == "failed":
            log = self.service.router_log
            raise BackendError(
                f"the router of service {self.service.path.name!r} was given up; the "
                f"end of {log} says:\n{tail(log) or 'nothing'}"
            )
        return self.aim.reached(status)

    def _check_wanted(self) -> None:
        if self.aim.revision not in self.service.desired().wanted():
            raise BackendError(f"{self._name} was stopped while it started")

    def _supervise(self) -> None:
        module = ("-m", "mlops_common.serving.local.supervisor")
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
        try:
            spec = self.service.spec(self.aim.revision)
        except FileNotFoundError:  # deleted meanwhile
            return f"service {self.service.path.name!r}"
        return f"version {spec.model.version} of service {spec.name!r}"
