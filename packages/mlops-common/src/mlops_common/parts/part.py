"""What a part of the platform is."""

from pathlib import Path
from typing import Protocol

from mlops_common.processes import Identity

DATABASE, PREFECT, MLFLOW, WORKER = "postgres", "prefect-server", "mlflow", "worker"


class Part(Protocol):
    """A background process, or a server of several, that shall run."""

    @property
    def name(self) -> str:
        """Short name, as in `mlops logs NAME`."""
        ...

    @property
    def title(self) -> str:
        """Name for people."""
        ...

    @property
    def after(self) -> tuple[str, ...]:
        """Names of the parts that must be well before it is started."""
        ...

    @property
    def log(self) -> Path:
        """What it had to say."""
        ...

    def identity(self) -> Identity | None:
        """Return its process while it lives."""
        ...

    def port(self) -> int | None:
        """Return the port on which it listens, if there is one."""
        ...

    def url(self) -> str:
        """Return where people find it; empty if it has no page."""
        ...

    def healthy(self) -> bool:
        """Whether it lives and answers that all is well."""
        ...

    def answers(self) -> bool:
        """Whether it says anything at all, be it that something is wrong.

        What lives and does not for long hangs. True where nobody can ask.
        """
        ...

    def start(self) -> None:
        """Start it unless it lives, and return once it is healthy.

        Raises:
            MlopsError: It did not get healthy; says why.
        """
        ...

    def stop(self) -> None:
        """End it, at first in good order; no error if it does not live.

        Raises:
            MlopsError: It does not end.
        """
        ...
