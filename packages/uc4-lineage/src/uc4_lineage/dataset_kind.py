"""What a dataset is, as its type and its addresses tell: the same in every answer."""

from enum import StrEnum


class DatasetKind(StrEnum):
    """What a dataset is."""

    TABLE = "table"
    VIEW = "view"
    FILE = "file"
    OBJECT = "object"
    STREAM = "stream"
    FEATURES = "features"
    MODEL = "model"
    ENDPOINT = "endpoint"
    DATASET = "dataset"  # nobody told more


# By the scheme of its namespace or of its data source.
SCHEMES = {
    **dict.fromkeys(("file", "hdfs", "dbfs"), DatasetKind.FILE),
    **dict.fromkeys(("s3", "s3a", "gs", "abfss", "wasbs", "minio"), DatasetKind.OBJECT),
    **dict.fromkeys(
        ("kafka", "kinesis", "pubsub", "pulsar", "eventhub"), DatasetKind.STREAM
    ),
    **dict.fromkeys(
        ("postgres", "postgresql", "mysql", "mssql", "oracle", "redshift"),
        DatasetKind.TABLE,
    ),
    **dict.fromkeys(
        ("snowflake", "bigquery", "trino", "hive", "sqlite", "duckdb"),
        DatasetKind.TABLE,
    ),
    **dict.fromkeys(("iceberg", "athena"), DatasetKind.TABLE),
    "mlflow": DatasetKind.MODEL,
    "kserve": DatasetKind.ENDPOINT,
    "feast": DatasetKind.FEATURES,
}
# By OpenLineage's facet `datasetType`.
TYPES = {
    **dict.fromkeys(
        ("TABLE", "MATERIALIZED_VIEW", "EXTERNAL_TABLE"), DatasetKind.TABLE
    ),
    **dict.fromkeys(("TOPIC", "STREAM", "QUEUE"), DatasetKind.STREAM),
    **dict.fromkeys(
        ("FEATURE", "FEATURES", "FEATURE_VIEW", "FEATURE_TABLE"), DatasetKind.FEATURES
    ),
    **dict.fromkeys(("FILE", "FOLDER", "DIRECTORY"), DatasetKind.FILE),
    "VIEW": DatasetKind.VIEW,
    "OBJECT": DatasetKind.OBJECT,
    "MODEL": DatasetKind.MODEL,
    "ENDPOINT": DatasetKind.ENDPOINT,
}


def kind_of(namespace: str, told: str = "", source: str = "") -> DatasetKind:
    """Return what a dataset is.

    Args:
        namespace: Of the dataset.
        told: What its facet `datasetType` says, which counts most; may be empty.
        source: Address of its data source; may be empty.

    Examples:
        >>> kind_of("redshift://dw:5439").value, kind_of("etl", "Feature_View").value
        ('table', 'features')
        >>> kind_of("shop", source="S3A://lake").value
        'object'
    """
    if told.upper() in TYPES:
        return TYPES[told.upper()]
    for address in (namespace, source):
        scheme = address.partition(":")[0].lower()
        if scheme in SCHEMES:
            return SCHEMES[scheme]
    return DatasetKind.DATASET
