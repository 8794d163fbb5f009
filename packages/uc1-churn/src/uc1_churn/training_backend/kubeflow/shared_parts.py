"""Checks that the steps of a Kubeflow run can reach what this process reaches."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from mlops_common.errors import ConfigError
from mlops_common.settings import Settings
from uc1_churn.training_backend.environment import required_secrets

LOCAL_SCHEMES = frozenset({"", "file", "sqlite"})


def require(settings: Settings) -> None:
    """Let settings through with which a pod can do its work.

    Raises:
        ConfigError: A part lives on this machine alone, or a secret would have to
            travel in the pipeline; says what to set.

    Examples:
        >>> from pathlib import Path
        >>> require(Settings(home=Path("/home")))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        mlops_common.errors.ConfigError: kubeflow.host names a server, but its pods ...
    """
    problems = [*_unreachable(settings), *_unshared(settings)]
    if problems:
        raise ConfigError(
            "kubeflow.host names a server, but its pods "
            + "; they ".join(problems)
            + ". Or leave kubeflow.host empty to train on this machine"
        )


def _unreachable(settings: Settings) -> Iterator[str]:
    if not settings.minio.external:
        yield (
            f"cannot reach the object store in {settings.home}: set minio.endpoint and "
            "minio.bucket"
        )
    uri = settings.mlflow.tracking_uri
    if uri is None and not settings.postgres.external:
        yield (
            "cannot reach MLflow in the embedded PostgreSQL: set mlflow.tracking_uri, "
            "or postgres.host"
        )
    if uri is not None and urlsplit(uri).scheme in LOCAL_SCHEMES:
        yield "cannot reach MLflow in a file: set mlflow.tracking_uri to a server's URL"


def _unshared(settings: Settings) -> Iterator[str]:
    kubeflow = settings.kubeflow
    secrets = required_secrets(settings)
    if secrets and kubeflow.environment_secret is None:
        yield (
            "need the same secrets: set kubeflow.environment_secret to a Kubernetes "
            f"Secret in their namespace with the keys {', '.join(secrets)}"
        )
    if kubeflow.config_map is not None:
        return
    if urlsplit(settings.mlflow.tracking_uri or "").password:
        yield (
            "would be told the password in mlflow.tracking_uri: give it as "
            "mlflow.username and mlflow.password_file"
        )
    files = {
        "minio.ca_file": settings.minio.ca_file,
        "postgres.sslrootcert": settings.postgres.sslrootcert,
    }
    for key in (key for key, file in files.items() if file is not None):
        yield (
            f"do not have the file {key}: set kubeflow.config_map to a ConfigMap whose "
            "config.yaml names one in the image"
        )
