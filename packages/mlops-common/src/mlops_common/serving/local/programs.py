"""The programs that a supervisor runs."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from mlops_common.serving.local.state import ServiceFolder

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # one row is scored faster by one thread
    "KSERVE_LOGLEVEL": "WARNING",  # else lines for every request
}
# It makes a server count into files of a folder that may be gone.
UNWANTED = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that answers at a private port, and at the stable URL when told.

    Attributes:
        title: Its name in messages.
        arguments: The module to run and its arguments; the handle of the line to the
            supervisor follows.
        log: File of its output.
        health: Path that answers 200 at its private port as long as it is well.
    """

    title: str
    arguments: tuple[str, ...]
    log: Path
    health: str

    @classmethod
    def model_server(cls, folder: ServiceFolder, revision: int) -> "Program":
        """Return the model server of one revision."""
        module, where = "mlops_common.model_server", str(folder.path)
        return cls(
            title=f"revision {revision}",
            arguments=(module, where, str(revision)),
            log=folder.log(revision),
            health=f"/v2/models/{folder.path.name}/ready",
        )

    @classmethod
    def router(cls, folder: ServiceFolder) -> "Program":
        """Return the router of a service."""
        arguments = ("mlops_common.serving.local.router", str(folder.path))
        return cls("the router", arguments, folder.router_log, health="/")

    def command(self, handle: int) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", *self.arguments, str(handle)]

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the environment variables."""
        inherited = {key: text for key, text in os.environ.items() if key != UNWANTED}
        return {**inherited, **ENVIRONMENT}
