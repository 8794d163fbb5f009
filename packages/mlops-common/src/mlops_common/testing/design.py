"""The settings of the design's users, with a server for every part, to the letter."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from mlops_common.testing.external_postgres import external_postgres
from mlops_common.testing.mlflow import open_tracking_server
from mlops_common.testing.moto import moto_server

DESIGN = """\
environment: development
postgres: {host: postgresql.postgresql.svc.cluster.local, port: 5432, \
database: customers, user: postgres, password: postgres123}
minio: {endpoint: http://minio.minio.svc.cluster.local:9000, \
access_key: minioadmin, secret_key: minioadmin123, bucket: dvc-storage}
mlflow: {tracking_uri: http://mlflow.mlflow.svc.cluster.local:5000}
kubeflow: {host: http://localhost:8080}
feast: {repo_path: ./feature_repo}
uc1: {raw_data_path: raw/customers.parquet, model_name: churn-predictor, \
namespace: models}
"""
USER = "postgres"
# What the pods of that cluster get from a Secret.
SECRETS = {
    "MLOPS_POSTGRES__PASSWORD": "postgres123",
    "MLOPS_MINIO__ACCESS_KEY": "minioadmin",
    "MLOPS_MINIO__SECRET_KEY": "minioadmin123",
}


@contextmanager
def servers_of_the_design(folder: Path, kubeflow: str) -> Iterator[str]:
    """Yield the file with servers of this machine; its addresses alone are changed.

    Args:
        folder: Where the tracking server keeps what it is given.
        kubeflow: URL of the Kubeflow API server.
    """
    password, access_key, secret_key = SECRETS.values()
    with ExitStack() as stack:
        postgres = stack.enter_context(external_postgres(user=USER, password=password))
        minio = stack.enter_context(moto_server()).bucket(
            bucket="dvc-storage",
            access_key=SecretStr(access_key),
            secret_key=SecretStr(secret_key),
        )
        yield relocated(
            {
                "postgresql.postgresql.svc.cluster.local": str(postgres.host),
                "port: 5432": f"port: {postgres.port}",
                "http://minio.minio.svc.cluster.local:9000": str(minio.endpoint),
                "http://mlflow.mlflow.svc.cluster.local:5000": stack.enter_context(
                    open_tracking_server(folder)
                ),
                "http://localhost:8080": kubeflow,
            }
        )


def relocated(addresses: Mapping[str, str]) -> str:
    """Return the file with other addresses.

    Examples:
        >>> text = relocated({"http://localhost:8080": "http://kfp"})
        >>> "kubeflow: {host: http://kfp}" in text
        True
    """
    text = DESIGN
    for old, new in addresses.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
