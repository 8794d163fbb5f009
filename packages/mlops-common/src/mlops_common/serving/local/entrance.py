"""The stable URL of a service: its listening socket, and who answers there."""

import random
import socket
from collections.abc import Callable, Mapping

from mlops_common.processes import LOOPBACK
from mlops_common.serving.local.channel import RETIRE, STOP
from mlops_common.serving.local.programs import Program
from mlops_common.serving.local.records import Desired, Report, Route, Target
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.serving.local.worker import Worker

BACKLOG = 2048  # connections that may wait
# Below the ports that systems give to outgoing connections, which could take ours
# while the service is down.
PORTS = range(20_000, 30_000)
TRIES = 100


class Entrance:
    """Gives the listening socket to whoever shall answer, with no gap between two.

    That is the promoted model server itself, or a router while two versions share the
    requests. Should the router die, the promoted one answers until it is back.

    Attributes:
        router: Answers during a split.
    """

    def __init__(self, folder: ServiceFolder, changed: Callable[[], None]) -> None:
        self._folder = folder
        self._changed = changed
        self._shared: socket.socket | None = None
        self._retired: list[Worker] = []
        self.router: Worker | None = None

    @property
    def port(self) -> int:
        """Port of the stable URL; 0 while connections are refused."""
        return self._shared.getsockname()[1] if self._shared else 0

    @property
    def report(self) -> Report | None:
        """How the router is doing, if there is one."""
        return self.router.report if self.router else None

    @property
    def quiet(self) -> bool:
        """Whether no router runs."""
        return self.router is None and not self._retired

    def leads_to(self, revision: int) -> bool:
        """Whether a router may still send requests to a revision."""
        routers = [*self._retired, *([self.router] if self.router else [])]
        return any(router.report.route.leads_to(revision) for router in routers)

    def forgive(self) -> None:
        """Try again a router that was given up."""
        if self.router and self.router.report.state == "failed":
            self.router = None

    def settle(self, desired: Desired, revisions: Mapping[int, Worker]) -> None:
        """Bring those who answer closer to what is desired.

        Connections wait from the moment that a version is desired, and are refused
        once it was given up.

        Raises:
            OSError: There is no port to listen at.
        """
        self._retired = [router for router in self._retired if not router.ended]
        front = revisions.get(desired.serving or 0)
        if front is None:
            self._dismiss(STOP)
            return
        front.patient = True
        route = _route(desired, front, revisions.get(desired.staged or 0))
        if front.report.state == "failed" and not route.targets:
            if not self._answering(revisions):
                self._dismiss(RETIRE)
                self._close()
            return
        if self._shared is None:
            self._shared = self._listening(desired.port)
        if desired.split:
            self._share(self._shared, front, route)
        else:
            self._give(self._shared, front, route)

    def _share(self, shared: socket.socket, front: Worker, route: Route) -> None:
        """Let the router answer; until it does, the promoted version."""
        if self.router is None:
            program = Program.router(self._folder)
            self.router = Worker(program, self._changed, patient=True)
        if self.router.report.state in {"ready", "serving"}:
            self.router.follow(route)
            self.router.serve(shared)
        if self.router.report.state == "serving":
            front.withdraw()
        elif front.report.state == "ready":
            front.serve(shared)

    def _give(self, shared: socket.socket, front: Worker, route: Route) -> None:
        """Let the promoted version answer; until it does, whoever did before."""
        if front.report.state == "ready":
            front.serve(shared)
        elif front.report.state == "serving" and self.router is not None:
            self.router.follow(route)
            self._dismiss(RETIRE)

    def _answering(self, revisions: Mapping[int, Worker]) -> bool:
        """Whether anybody answers at the stable URL."""
        states = {n: revision.report.state for n, revision in revisions.items()}
        routed = [n for n, state in states.items() if state == "ready"]
        return "serving" in states.values() or any(map(self.leads_to, routed))

    def _dismiss(self, word: bytes) -> None:
        if self.router is not None:
            self._retired.append(self.router)
            self.router = None
        for router in self._retired:
            router.leave(word)

    def _listening(self, kept: int) -> socket.socket:
        """Return a listening socket at the service's port, which is kept for ever.

        Raises:
            OSError: The port is taken, or too many are.
        """
        if kept:
            return _bound(kept)
        for _ in range(TRIES - 1):
            port = random.choice(PORTS)  # noqa: S311 - any will do
            try:
                shared = _bound(port)
            except OSError:
                continue
            self._folder.desire(port=port)
            return shared
        raise OSError(f"no port of {TRIES} between {PORTS[0]} and {PORTS[-1]} is free")

    def _close(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None


def _route(desired: Desired, front: Worker, staged: Worker | None) -> Route:
    """Return the route to those that answer now."""
    stable = _target(desired.serving, front)
    if not desired.split:
        return Route(stable=stable)
    canary = _target(desired.staged, staged)
    return Route(stable=stable, canary=canary, percent=desired.percent)


def _target(revision: int | None, worker: Worker | None) -> Target | None:
    if revision is None or worker is None:
        return None
    ready = worker.report.state in {"ready", "serving"}
    return Target(revision=revision, port=worker.report.port) if ready else None


def _bound(port: int) -> socket.socket:
    """Return a socket that listens on the loopback interface.

    Raises:
        OSError: The port is taken; says what to do.
    """
    shared = socket.socket()
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.bind((LOOPBACK, port))
        shared.listen(BACKLOG)
    except OSError as error:
        shared.close()
        raise OSError(
            f"port {port} cannot be used ({error.strerror}): end the program that "
            "has it, or set kserve.port"
        ) from error
    return shared
