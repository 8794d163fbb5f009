"""The connection to MLflow: quiet, safe at its first use, and without secrets."""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mlops_common.errors import (
    BackendError,
    ConfigError,
    MlopsError,
    NotFoundError,
)
from mlops_common.sections import MlflowSettings, PostgresSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Any number that no other program of the database locks by.
MIGRATION_LOCK = 0x6D6C666C6F77
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# What a tracking server, or a proxy in front, says of a login that it does not accept;
# MLflow passes on the status only of answers that are no JSON.
REFUSED = re.compile(
    r"error code 40[13]\b|Unauthorized|not authenticated|Forbidden|invalid_token"
)


def variables(settings: MlflowSettings, pool: PostgresSettings) -> dict[str, str]:
    """Return what MLflow's client takes from the environment alone.

    Args:
        settings: Of the tracking server; its login.
        pool: Of the database, where MLflow has no server in front.

    Raises:
        ConfigError: The file of a secret cannot be read.

    Examples:
        >>> variables(MlflowSettings(username="ann"), PostgresSettings())
        {'MLFLOW_SQLALCHEMYSTORE_POOL_SIZE': '5', \
'MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW': '10', 'MLFLOW_TRACKING_USERNAME': 'ann'}
    """
    login = {
        "MLFLOW_TRACKING_USERNAME": settings.username,
        "MLFLOW_TRACKING_PASSWORD": settings.secret("password"),
        "MLFLOW_TRACKING_TOKEN": settings.secret("token"),
    }
    return {
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(pool.pool_size),
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(pool.max_overflow),
        **{name: value for name, value in login.items() if value is not None},
    }


class Connection:
    """MLflow at one URI, contacted at its first use.

    Args:
        uri: SQLAlchemy URL of a database, or URL of a tracking server.
        variables: What MLflow's client reads from the environment, such as a login.
    """

    def __init__(self, uri: str, variables: Mapping[str, str] | None = None) -> None:
        self._uri = uri
        self._variables = dict(variables or {})
        self.address = masked(uri)

    @cached_property
    def client(self) -> "MlflowClient":
        """The client; the tables of an empty database are made by one process."""
        os.environ.update(QUIET | self._variables)
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with _migrating(self._uri):
            client = MlflowClient(self._uri, registry_uri=self._uri)
            # Runs and models have their own store each, made at its first use.
            client.search_experiments(max_results=1)
            client.search_registered_models(max_results=1)
        return client

    @property
    def uri(self) -> str:
        """The URI of the store; it may hold the password."""
        return self._uri

    @property
    def variables(self) -> dict[str, str]:
        """What MLflow reads from the environment, a login included."""
        return QUIET | self._variables

    def prepare(self) -> None:
        """Make the tables of an empty database."""
        _ = self.client

    def local(self, uri: str) -> Path:
        """Return the local path of stored bytes: their own, or a copy.

        Raises:
            NotFoundError: Nothing is stored there.
            BackendError: It cannot be copied.
        """
        parts = urlsplit(uri)
        if parts.scheme in {"", "file"}:
            path = Path(unquote(parts.path))
            if not path.exists():
                raise NotFoundError(f"nothing is stored at {uri}")
            return path
        return self.copy(uri)

    def copy(self, uri: str, folder: Path | None = None) -> Path:
        """Return the local path of a copy of stored bytes.

        Args:
            uri: Where they are.
            folder: Where the copy goes; where nobody looks when omitted.

        Raises:
            BackendError: They cannot be copied.
        """
        with self.translated(f"download {uri}"):
            os.environ.update(QUIET | self._variables)
            from mlflow.artifacts import download_artifacts

            target = None if folder is None else str(folder)
            found = download_artifacts(uri, dst_path=target, tracking_uri=self._uri)
            return Path(found)

    @contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """Turn the errors of MLflow and its database into ours, without secrets.

        Args:
            what: What is being done, for the message: `open a run`.

        Raises:
            NotFoundError: MLflow says that it does not know what was asked for.
            BackendError: Anything else that is not our own error.
        """
        try:
            yield
        except MlopsError:
            raise
        except OSError as error:
            raise BackendError(
                f"MLflow at {self.address} cannot {what}: {error.strerror}; check that "
                "its files can be written and that the disk has room"
            ) from error
        except Exception as error:
            said = self._scrubbed(str(error).strip().partition("\n")[0])
            if REFUSED.search(said):
                raise ConfigError(
                    f"MLflow at {self.address} does not admit us to {what}: {said}; "
                    "set mlflow.username and mlflow.password_file, or mlflow.token_file"
                ) from error
            if getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST":
                raise NotFoundError(
                    f"MLflow at {self.address} cannot {what}: {said}"
                ) from error
            raise BackendError(
                f"MLflow at {self.address} cannot {what}: {said}; check that it runs "
                "and that mlflow.tracking_uri is right"
            ) from error

    def _scrubbed(self, text: str) -> str:
        secret = _secret(self._uri)
        for form in {secret, unquote(secret)} - {""}:
            text = text.replace(form, "***")
        return text


def masked(uri: str) -> str:
    """Return a URI without its password and query.

    Examples:
        >>> masked("postgresql://ann:s3cret@db:5432/mlflow?sslmode=require")
        'postgresql://ann:***@db:5432/mlflow'
    """
    secret = _secret(uri)
    shown = uri.partition("?")[0]
    return shown.replace(f":{secret}@", ":***@", 1) if secret else shown


def _secret(uri: str) -> str:
    found = re.match(r"[^/]+://[^/@:]*:(?P<secret>[^@]*)@", uri)
    return found["secret"] if found else ""


@contextmanager
def _migrating(uri: str) -> Iterator[None]:
    """Let one process at a time make the tables, where the store is PostgreSQL."""
    if not uri.startswith("postgresql"):
        yield
        return
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(uri, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK}
        )
        yield
