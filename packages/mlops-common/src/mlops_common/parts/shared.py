"""Parts that other commands start too, when they need them."""

from dataclasses import dataclass
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.orchestration.server.process import (
    server_address,
    server_port,
    server_process,
    server_url,
    start_server,
)
from mlops_common.parts.part import DATABASE, PREFECT
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.processes import Identity
from mlops_common.serving.base import ServiceStatus
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.web import answers, healthy


@dataclass(frozen=True)
class Database:
    """The embedded PostgreSQL server.

    Attributes:
        server: The server.
        database: That of the source tables.
    """

    server: EmbeddedServer
    database: str

    name = DATABASE
    title = "PostgreSQL"
    after = ()

    @property
    def log(self) -> Path:
        """What it had to say."""
        return self.server.log

    def identity(self) -> Identity | None:
        """Return its first process while it takes connections."""
        return self.server.identity()

    def port(self) -> int | None:
        """Return nothing: it listens on a socket in the home folder."""
        return None

    def url(self) -> str:
        """Return the command that opens it."""
        return f"psql -h {self.server.socket_dir} -U postgres {self.database}"

    def healthy(self) -> bool:
        """Whether it takes connections."""
        return self.server.running()

    def answers(self) -> bool:
        """Whether it answers: without that it has no identity."""
        return True

    def start(self) -> None:
        """Start it unless it runs."""
        self.server.start()

    def stop(self) -> None:
        """End it; its clients are disconnected, their transactions undone."""
        self.server.stop()


@dataclass(frozen=True)
class PrefectServer:
    """The Prefect server of the home.

    Attributes:
        platform: Holds its database.
        after: The database, where that is embedded.
    """

    platform: Platform
    after: tuple[str, ...] = ()

    name = PREFECT
    title = "Prefect server"

    @property
    def log(self) -> Path:
        """What it had to say."""
        return server_process(self.platform.settings.home).log

    def identity(self) -> Identity | None:
        """Return its process while it lives."""
        return server_process(self.platform.settings.home).identity()

    def port(self) -> int | None:
        """Return its port; nothing before its first start."""
        return server_port(self.platform.settings.home).number()

    def url(self) -> str:
        """Return the address of its pages."""
        return (server_url(self.platform.settings.home) or "").removesuffix("/api")

    def healthy(self) -> bool:
        """Whether it lives and answers that all is well."""
        url = server_url(self.platform.settings.home)
        return url is not None and healthy(f"{url}/health")

    def answers(self) -> bool:
        """Whether it answers, be it that something is wrong."""
        return answers(f"{server_address(self.platform.settings.home)}/health")

    def start(self) -> None:
        """Start it unless it runs, and return once it answers."""
        start_server(self.platform)

    def stop(self) -> None:
        """End it, at first in good order."""
        server_process(self.platform.settings.home).stop()


@dataclass(frozen=True)
class Service:
    """A service that was deployed: its supervisor, with all that this one runs.

    Attributes:
        platform: Holds the service.
        name: Name of the service.
        after: The database, where that is embedded: for the prediction log.
    """

    platform: Platform
    name: str
    after: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name for people."""
        return f"Service {self.name}"

    @property
    def folder(self) -> ServiceFolder:
        """Its files."""
        return ServiceFolder(self.platform.settings.home / "serving" / self.name)

    @property
    def log(self) -> Path:
        """What its supervisor had to say."""
        return self.folder.supervisor.log

    def identity(self) -> Identity | None:
        """Return its supervisor while that lives."""
        return self.folder.supervisor.identity()

    def port(self) -> int | None:
        """Return the port of its stable URL; nothing before its first start."""
        return self.folder.desired().port or None

    def url(self) -> str:
        """Return where it answers; empty while it does not."""
        endpoint = self.status().endpoint
        return endpoint.infer_url if endpoint else ""

    def status(self) -> ServiceStatus:
        """Tell how it is doing."""
        return self.platform.serving.status(self.name)

    def healthy(self) -> bool:
        """Whether its promoted version answers."""
        return self.status().running

    def answers(self) -> bool:
        """Whether anybody could tell that it hangs: it sees to its processes itself."""
        return True

    def start(self) -> None:
        """Start it unless it runs, and return once it answers."""
        self.platform.serving.endpoint(self.name)

    def stop(self) -> None:
        """End it with all that it runs, and what is staged."""
        self.platform.serving.stop(self.name)
