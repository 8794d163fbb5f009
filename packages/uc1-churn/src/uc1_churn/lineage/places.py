"""What the datasets of a run are called: the same thing has one name in every step."""

from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.lineage import naming
from mlops_common.lineage.naming import DatasetName
from mlops_common.refs import DatasetRef
from mlops_common.sections import PostgresSettings
from mlops_common.serving.prediction_log import DATABASE

LOCAL = "localhost"


def source_table(platform: Platform, table: str) -> DatasetName:
    """Return the name of a table of the source database.

    Args:
        platform: Where the database is.
        table: `schema.table`, or `table` of the schema `public`.

    Examples:
        >>> from mlops_common.settings import Settings
        >>> platform = Platform(Settings(home=Path("/home/mlops")))
        >>> print(source_table(platform, "customers"))
        postgres://localhost:5432/customers.public.customers
    """
    settings = platform.settings.postgres
    return table_of(settings, settings.database, table)


def table_of(settings: PostgresSettings, database: str, table: str) -> DatasetName:
    """Return the name of a table of a database."""
    schema, _, name = table.rpartition(".")
    return naming.postgres_table(
        settings.host, database, name, port=settings.port, schema=schema or "public"
    )


def prediction_log(platform: Platform) -> DatasetName:
    """Return the name of the table of everything that was answered."""
    return table_of(platform.settings.postgres, DATABASE, "serving.predictions")


def staged(platform: Platform, name: str) -> DatasetName:
    """Return the name of a dataset's staged file: not that of its passing folder."""
    return file(platform.staging / f"{name}.parquet")


def file(path: Path) -> DatasetName:
    """Return the name of a file of this machine."""
    return naming.stored(str(path.absolute()))


def stored(platform: Platform, key: str) -> DatasetName:
    """Return the name of the versions beside each other of which an object is one."""
    return naming.versioned(platform.objects.uri(key))


def revised(platform: Platform, ref: DatasetRef) -> DatasetName:
    """Return the name of a dataset in DVC, or of its objects if it has no revision.

    Examples:
        >>> from mlops_common.settings import Settings
        >>> platform = Platform(Settings(home=Path("/home/mlops")))
        >>> ref = DatasetRef(name="customers", key="raw/ab", digest="ab", rows=3,
        ...                  revision="customers@v1")
        >>> print(revised(platform, ref))
        dvc://localhost/customers
    """
    if not ref.revision.startswith(f"{ref.name}@"):
        return stored(platform, ref.key)
    settings = platform.settings.minio
    place = settings.bucket_name if settings.external else LOCAL
    return DatasetName(namespace=f"dvc://{place}", name=ref.name)


def model(platform: Platform, name: str) -> DatasetName:
    """Return the name of a registered model."""
    return naming.model(platform.settings.mlflow.tracking_uri, name)


def endpoint(platform: Platform, name: str, namespace: str) -> DatasetName:
    """Return the name of an endpoint.

    Args:
        platform: Where endpoints are.
        name: Of the service.
        namespace: Kubernetes namespace of the params; that of the settings is first.
    """
    settings = platform.settings.kserve
    place = (settings.namespace or namespace) if settings.external else None
    return naming.endpoint(place, name)
