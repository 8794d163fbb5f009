"""What a service shall run and what it runs, as its files say it."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from mlops_common.processes import Identity, exists

State: TypeAlias = Literal["starting", "ready", "serving", "retiring", "failed"]


class Record(BaseModel):
    """Base of what is kept in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Desired(Record):
    """What a service shall run.

    Attributes:
        port: Port of the stable URL; 0 until the supervisor took one.
        serving: Revision that shall have the stable URL.
        staged: Revision that shall run beside it.
        owner: Process that staged it.
        percent: Share of the requests that the staged revision shall answer.
        previous: Revision that had the stable URL before `serving`.
    """

    port: int = 0
    serving: int | None = None
    staged: int | None = None
    owner: Identity | None = None
    percent: int = 0
    previous: int | None = None

    def wanted(self) -> set[int]:
        """Return the revisions that shall run."""
        return {n for n in (self.serving, self.staged) if n is not None}

    def needed(self) -> set[int]:
        """Return the revisions that must not be forgotten."""
        return self.wanted() | {n for n in (self.previous,) if n is not None}

    @property
    def split(self) -> bool:
        """Whether two revisions shall share the requests."""
        return self.percent > 0 and None not in {self.serving, self.staged}


class Target(Record):
    """A revision that answers.

    Attributes:
        revision: Its number.
        port: Its private port.
    """

    revision: int
    port: int


class Route(Record):
    """Where a router sends requests.

    Attributes:
        stable: The promoted revision, if it answers.
        canary: The staged one, if it answers and shall have a share.
        percent: Share of the requests that the canary gets.
    """

    stable: Target | None = None
    canary: Target | None = None
    percent: int = 0

    @property
    def targets(self) -> list[Target]:
        """Those that answer, the stable one first."""
        return [t for t in (self.stable, self.canary) if t is not None]

    def leads_to(self, revision: int) -> bool:
        """Whether a revision can get requests."""
        return any(target.revision == revision for target in self.targets)


class Report(Record):
    """How one process of a service is doing.

    Attributes:
        state: `ready` answers at its private port, `serving` at the stable URL too;
            `retiring` only finishes; `failed` was given up.
        pid: Its process, if there is one.
        port: Its private port, once it is ready.
        starts: How often its process was started.
        route: What it follows, if it is a router.
    """

    state: State = "starting"
    pid: int | None = None
    port: int = 0
    starts: int = 0
    route: Route = Route()

    @property
    def alive(self) -> bool:
        """Whether its process runs; its supervisor may not know yet."""
        return self.pid is not None and exists(self.pid)

    @property
    def answers(self) -> bool:
        """Whether it answers at the stable URL."""
        return self.state == "serving" and self.alive


class Status(Record):
    """What a service runs.

    Attributes:
        supervisor: Process that wrote this.
        port: Port of the stable URL.
        problem: Why the supervisor cannot do its work; empty if it can.
        revisions: Report of each revision that runs or failed.
        router: Report of the router, which runs while two revisions share requests.
    """

    supervisor: int
    port: int = 0
    problem: str = ""
    revisions: dict[int, Report] = {}
    router: Report | None = None

    def answers(self, revision: int) -> bool:
        """Whether a revision answers at the stable URL, itself or by the router."""
        report = self.revisions.get(revision)
        if report is None or self.router is None or not self.router.answers:
            return report is not None and report.answers
        routed = self.router.route.leads_to(revision) and report.state == "ready"
        return report.alive and (routed or report.state == "serving")

    def share(self, revision: int) -> int:
        """Return the percentage of the requests that a canary gets now."""
        if self.router is None or not self.router.answers:
            return 0
        canary = self.router.route.canary
        ours = canary is not None and canary.revision == revision
        return self.router.route.percent if ours else 0
