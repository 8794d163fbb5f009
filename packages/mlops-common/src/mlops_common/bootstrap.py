"""The composition root: the only place that looks at which systems are external."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlops_common.config import Settings, load
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.local import LocalObjectStore

if TYPE_CHECKING:
    from mlops_common.datasets import Datasets
    from mlops_common.postgres.database import Postgres
    from mlops_common.serving.base import Serving
    from mlops_common.tracking import Tracking


@dataclass(frozen=True)
class Platform:
    """Every external system a pipeline may use, each connected at its first use.

    Attributes:
        settings: Where the systems are.
    """

    settings: Settings

    @cached_property
    def objects(self) -> ObjectStore:
        """Blobs by key."""
        return LocalObjectStore(self.settings.home / "objects")

    @cached_property
    def postgres(self) -> "Postgres":
        """The PostgreSQL server, embedded or external."""
        from mlops_common.postgres.database import Postgres
        from mlops_common.postgres.server import EmbeddedServer

        embedded = self.settings.postgres.host is None
        server = EmbeddedServer(self.settings.home) if embedded else None
        return Postgres(self.settings.postgres, server)

    @cached_property
    def datasets(self) -> "Datasets":
        """Immutable, versioned tables."""
        from mlops_common.datasets import Datasets

        return Datasets(self.objects, self.settings.home / "datasets")

    @cached_property
    def tracking(self) -> "Tracking":
        """Runs, model versions and aliases."""
        from mlops_common.tracking import Tracking

        uri = self.settings.mlflow.tracking_uri
        if uri is None:
            uri = self.postgres.sqlalchemy_url("mlflow")
        return Tracking(uri, artifacts=self.objects.uri("mlflow"))

    @cached_property
    def serving(self) -> "Serving":
        """Endpoints that answer with a model version."""
        from mlops_common.serving.local import LocalServing

        return LocalServing(
            self.settings.home / "serving", port=self.settings.kserve.port
        )


def connect(settings: Settings | None = None) -> Platform:
    """Connect to the platform that `settings` name.

    Args:
        settings: Read from `config.yaml` and the environment when omitted.

    Returns:
        The adapters, none of which has been contacted yet.
    """
    return Platform(settings or load().settings)
