"""Names of datasets by the naming rules of OpenLineage, and the id of a run.

The namespace of a dataset is its data source, such as `postgres://db:5432`; its name is
unique there. Two programs that follow the rules mean the same table by the same name.
What the rules leave out (models, endpoints, feature views) has names of the same shape.
"""

import uuid
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import field_validator

from mlops_common.lineage.text import LONGEST_NAMESPACE, clean, short_name
from mlops_common.refs import Ref

LOCAL_FILES = "file"
EMBEDDED = "localhost"  # host of a server that listens on a socket of this machine
POSTGRES_PORT = 5432
# Other spellings of a scheme, and the one of the rules.
SCHEMES = {
    "postgresql": "postgres",
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "abfs": "abfss",
    "wasb": "wasbs",
}
BUCKETS = frozenset({"s3", "gs", "abfss", "wasbs"})  # keys have no leading slash
RUNS = uuid.UUID("5d4a1f0e-6d0c-5f4e-9a60-2f1c7d4b8e11")


class DatasetName(Ref):
    """What tells a dataset from all others.

    Attributes:
        namespace: The data source, such as `postgres://db:5432` or `s3://bucket`.
        name: Unique in the namespace, such as `shop.public.orders`.

    Examples:
        >>> print(DatasetName(namespace="s3://mlops", name="raw/orders"))
        s3://mlops/raw/orders
    """

    namespace: str
    name: str

    @field_validator("namespace", mode="before")
    @classmethod
    def _namespace(cls, value: Any) -> Any:
        known = isinstance(value, str)
        return short_name(value, LONGEST_NAMESPACE) if known else value

    @field_validator("name", mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return short_name(value) if isinstance(value, str) else value

    def __str__(self) -> str:
        return f"{self.namespace.rstrip('/')}/{self.name.lstrip('/')}"


def postgres_table(
    host: str | None,
    database: str,
    table: str,
    *,
    port: int = POSTGRES_PORT,
    schema: str = "public",
) -> DatasetName:
    """Return the name of a table of PostgreSQL.

    Args:
        host: Of the server; none, or the folder of its socket, means this machine.
        database: Of the table.
        table: Its name.
        port: Of the server.
        schema: Of the table.

    Examples:
        >>> print(postgres_table("DB.example", "shop", "orders"))
        postgres://db.example:5432/shop.public.orders
        >>> postgres_table(None, "customers", "customers").namespace
        'postgres://localhost:5432'
    """
    return DatasetName(
        namespace=postgres_server(host, port), name=f"{database}.{schema}.{table}"
    )


def postgres_server(host: str | None, port: int = POSTGRES_PORT) -> str:
    """Return the namespace of the tables of a server of PostgreSQL.

    Examples:
        >>> postgres_server("::1")
        'postgres://[::1]:5432'
    """
    local = not host or host.startswith("/")
    place = EMBEDDED if local else str(host).lower().strip("[]")
    return f"postgres://{f'[{place}]' if ':' in place else place}:{port}"


def stored(uri: str) -> DatasetName:
    """Return the name of what lies at a URI: a file, an object of a bucket, a table.

    A password in the URI, its query and its fragment are no part of the name.

    Args:
        uri: Such as `s3://bucket/key`, `file:///folder/file` or a path.

    Examples:
        >>> stored("s3a://mlops/raw/orders.parquet")
        DatasetName(namespace='s3://mlops', name='raw/orders.parquet')
        >>> stored("/data/orders.csv")
        DatasetName(namespace='file', name='/data/orders.csv')
        >>> stored("hdfs://namenode:8020/user/orders").name
        '/user/orders'
    """
    parts = urlsplit(uri)
    scheme = SCHEMES.get(parts.scheme.lower(), parts.scheme.lower())
    if not scheme:
        return DatasetName(namespace=LOCAL_FILES, name=uri)
    place, path = _authority(parts), parts.path
    if scheme == LOCAL_FILES:
        namespace = f"file://{place}" if place else LOCAL_FILES
        return DatasetName(namespace=namespace, name=unquote(path))
    if scheme == "postgres":
        place = place if parts.port else f"{place or EMBEDDED}:{POSTGRES_PORT}"
    name = path.lstrip("/") if scheme in BUCKETS | {"postgres"} else path
    return DatasetName(namespace=f"{scheme}://{place}", name=name)


def versioned(uri: str) -> DatasetName:
    """Return the name of a dataset whose versions are objects beside each other.

    Each version has a digest as its key, `raw/customers/<digest>.parquet`; all of them
    are one dataset, named by the folder. The digest is its version.

    Examples:
        >>> print(versioned("s3://mlops/raw/customers/9f86d081.parquet"))
        s3://mlops/raw/customers
    """
    found = stored(uri)
    folder = found.name.rpartition("/")[0]
    return found if not folder else found.model_copy(update={"name": folder})


def model(tracking_uri: str | None, name: str) -> DatasetName:
    """Return the name of a registered model; the number of a version is its version.

    Args:
        tracking_uri: Of the MLflow server; none means the embedded store.
        name: Registered name.

    Examples:
        >>> print(model("https://ann:s3cret@mlflow.example", "churn-predictor"))
        mlflow://mlflow.example:443/churn-predictor
        >>> print(model(None, "churn-predictor"))
        mlflow://localhost/churn-predictor
    """
    parts = urlsplit(tracking_uri or "")
    web = {"http": 80, "https": 443}
    if parts.scheme not in web or not parts.hostname:
        return DatasetName(namespace=f"mlflow://{EMBEDDED}", name=name)
    place = _authority(parts)
    port = "" if parts.port else f":{web[parts.scheme]}"
    return DatasetName(namespace=f"mlflow://{place}{port}", name=name)


def endpoint(namespace: str | None, name: str) -> DatasetName:
    """Return the name of an endpoint that answers with a model.

    Args:
        namespace: Of Kubernetes; none means the model servers of this machine.
        name: Of the service.

    Examples:
        >>> print(endpoint(None, "churn-predictor"))
        kserve://localhost/churn-predictor
    """
    return DatasetName(namespace=f"kserve://{namespace or EMBEDDED}", name=name)


def feature_view(project: str, name: str) -> DatasetName:
    """Return the name of a feature view of Feast.

    Examples:
        >>> print(feature_view("churn", "customer_features"))
        feast://churn/customer_features
    """
    return DatasetName(namespace=f"feast://{project}", name=name)


def job_name(*parts: str) -> str:
    """Return the name of a job: the flow, and the task in it.

    Examples:
        >>> job_name("churn-pipeline", "extract_from_postgres")
        'churn-pipeline.extract_from_postgres'
    """
    return ".".join(short_name(part) for part in parts)


def run_id(*keys: str) -> str:
    """Return a stable id of a run: the same keys give the same one, everywhere.

    A key that is a UUID by itself, alone, stays what it is.

    Examples:
        >>> run_id("c9bf9e57-1685-4c89-bafb-ff5af830be8a")
        'c9bf9e57-1685-4c89-bafb-ff5af830be8a'
        >>> run_id("flow", "1") == run_id("flow", "1") != run_id("flow", "2")
        True
    """
    if len(keys) == 1:
        try:
            return str(uuid.UUID(keys[0]))
        except ValueError:
            pass
    return str(uuid.uuid5(RUNS, "\x1f".join(clean(key) for key in keys)))


def _authority(parts: SplitResult) -> str:
    """Return host and port of a URI; in `container@service` no one logs in."""
    if parts.scheme.lower() in {"abfs", "abfss", "wasb", "wasbs"}:
        return parts.netloc
    return parts.netloc.rpartition("@")[2]
