"""The composition root: the only place that looks at which systems are external."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common.config import load
from mlops_common.objects import sharing
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.local import LocalObjectStore
from mlops_common.refs import ModelRef
from mlops_common.settings import Settings

if TYPE_CHECKING:
    from mlops_common.datasets import Datasets
    from mlops_common.lineage.emission.emitter import Emitter
    from mlops_common.lineage.store import LineageStore
    from mlops_common.postgres.database import Postgres
    from mlops_common.serving.base import Serving
    from mlops_common.tracking import Tracking


@dataclass(frozen=True)
class Platform:
    """Every external system a pipeline may use, each connected at its first use.

    Attributes:
        settings: Where the systems are.
        file: The file that the settings were read from, if any.
    """

    settings: Settings
    file: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which another process connects to the same platform."""
        variables = {"MLOPS_HOME": str(self.settings.home)}
        return variables | ({"MLOPS_CONFIG": str(self.file)} if self.file else {})

    @property
    def staging(self) -> Path:
        """Folder for files on their way from one system to another."""
        return self.settings.home / "staging"

    @cached_property
    def objects(self) -> ObjectStore:
        """Blobs by key, in a folder or a bucket."""
        if self.settings.minio.external:
            from mlops_common.objects.s3 import S3ObjectStore

            return S3ObjectStore(self.settings.minio)
        return LocalObjectStore(self.settings.home / "objects")

    @cached_property
    def postgres(self) -> "Postgres":
        """The PostgreSQL server, embedded or external."""
        from mlops_common.postgres.database import Postgres
        from mlops_common.postgres.server import EmbeddedServer

        settings = self.settings.postgres
        server = None if settings.external else EmbeddedServer(self.settings.home)
        return Postgres(settings, server)

    @cached_property
    def datasets(self) -> "Datasets":
        """Immutable, versioned tables."""
        from mlops_common.datasets import Datasets, Remote

        settings, remote = self.settings.minio, None
        if settings.external:
            remote = Remote(
                self.objects.uri("dvc"),
                options=sharing.dvc_options(settings),
                variables=sharing.variables(settings),
            )
        return Datasets(self.objects, self.settings.home / "datasets", remote=remote)

    @cached_property
    def tracking(self) -> "Tracking":
        """Runs, model versions and aliases."""
        from mlops_common.tracking import Tracking, variables

        settings, store = self.settings.mlflow, self.settings.minio
        uri = settings.tracking_uri or self.postgres.sqlalchemy_url("mlflow")
        # A server elsewhere cannot write into our folder: it knows a better place.
        ours = store.external or not settings.external
        shared = sharing.variables(store) if store.external else {}
        return Tracking(
            uri,
            artifacts=self.objects.uri("mlflow") if ours else None,
            variables=variables(settings, self.settings.postgres) | shared,
            copies=self.settings.home / "models",
            pages="" if settings.external else self._mlflow_pages(),
        )

    def _mlflow_pages(self) -> str:
        """Return where `mlops up` shows the runs of this home, if it ever did."""
        from mlops_common.ports import MLFLOW_PAGES, Remembered
        from mlops_common.processes import LOOPBACK

        port = Remembered(self.settings.home / MLFLOW_PAGES).number()
        return "" if port is None else f"http://{LOOPBACK}:{port}"

    @cached_property
    def lineage(self) -> "Emitter | None":
        """Tells what runs read and write; nothing where the settings name nobody."""
        settings = self.settings.lineage
        if not settings.enabled or not (settings.embedded or settings.external):
            return None
        from mlops_common.lineage.emission.emitters import shared_emitter

        home, postgres = self.settings.home, self.settings.postgres
        return shared_emitter(home, settings, self._lineage_store, key=postgres)

    @cached_property
    def lineage_store(self) -> "LineageStore":
        """The lineage that is kept in PostgreSQL."""
        return self._lineage_store()

    def _lineage_store(self) -> "LineageStore":
        from mlops_common.lineage.store import LineageStore

        return LineageStore(self.postgres)

    @cached_property
    def serving(self) -> "Serving":
        """Endpoints that answer with a model version."""
        if self.settings.kserve.external:
            from mlops_common.serving.kserve import KserveServing

            return KserveServing(self.settings.kserve)
        from mlops_common.serving.local.serving import LocalServing

        def fetch(model: ModelRef) -> Path:
            return self.tracking.download(model)

        return LocalServing(
            self.settings.home / "serving",
            port=self.settings.kserve.port,
            environment=self.environment,
            fetch=fetch,
        )


def connect(settings: Settings | None = None) -> Platform:
    """Connect to the platform that `settings` name.

    Args:
        settings: Read from `config.yaml` and the environment when omitted.

    Returns:
        The adapters, none of which has been contacted yet.
    """
    if settings is not None:
        return Platform(settings)
    loaded = load()
    return Platform(loaded.settings, loaded.file)
