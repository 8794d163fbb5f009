"""Settings: where the platform is, one frozen section for each external system."""

from pathlib import Path
from typing import Any

from pydantic import Field

from mlops_common.params import Params
from mlops_common.sections import (
    FeastSettings,
    KserveSettings,
    KubeflowSettings,
    LineageSettings,
    MinioSettings,
    MlflowSettings,
    PostgresSettings,
)


class Settings(Params):
    """Where the platform is.

    Attributes:
        environment: A label; a block of that name under `environments:` overlays.
        home: Folder of all embedded state.
        uc1: Values for the params of UC1; likewise `uc2` to `uc6`.
    """

    environment: str = "local"
    home: Path
    postgres: PostgresSettings = PostgresSettings()
    minio: MinioSettings = MinioSettings()
    mlflow: MlflowSettings = MlflowSettings()
    kubeflow: KubeflowSettings = KubeflowSettings()
    feast: FeastSettings = FeastSettings()
    kserve: KserveSettings = KserveSettings()
    lineage: LineageSettings = LineageSettings()
    uc1: dict[str, Any] = Field(default_factory=dict)
    uc2: dict[str, Any] = Field(default_factory=dict)
    uc3: dict[str, Any] = Field(default_factory=dict)
    uc4: dict[str, Any] = Field(default_factory=dict)
    uc5: dict[str, Any] = Field(default_factory=dict)
    uc6: dict[str, Any] = Field(default_factory=dict)

    @property
    def feast_repo(self) -> Path:
        """Folder of the rendered feature repositories."""
        return self.feast.repo_path or self.home / "feast"
