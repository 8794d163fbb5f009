"""Where the platform is: one frozen model for each section of `config.yaml`."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr

from mlops_common.errors import ConfigError
from mlops_common.params import Params


class PostgresSettings(Params):
    """The PostgreSQL server; embedded in the home folder when `host` is empty."""

    host: str | None = Field(None, description="Host name; empty means embedded.")
    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    database: str = Field("customers", description="Database of the source tables.")
    user: str = "postgres"
    password: SecretStr | None = None
    password_file: Path | None = Field(None, description="File with the password.")
    sslmode: str = "prefer"
    connect_timeout: Annotated[int, Field(ge=1, description="Seconds.")] = 10

    def secret(self) -> str | None:
        """Return the password, from the value or the file.

        Raises:
            ConfigError: The file cannot be read.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"postgres.password_file {self.password_file} cannot be read: "
                f"{error.strerror}"
            ) from error


class MlflowSettings(Params):
    """The MLflow tracking store; embedded in PostgreSQL when the URI is empty."""

    tracking_uri: str | None = Field(None, description="Empty means embedded.")


class FeastSettings(Params):
    """The Feast feature store, on the PostgreSQL server of this file."""

    repo_path: Path | None = Field(
        None, description="Folder for the rendered repository; empty means the home."
    )


class KserveSettings(Params):
    """Model servers; processes on this machine."""

    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0, description="Port of the first service; 0 takes a free one and keeps it."
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
    mlflow: MlflowSettings = MlflowSettings()
    feast: FeastSettings = FeastSettings()
    kserve: KserveSettings = KserveSettings()
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
