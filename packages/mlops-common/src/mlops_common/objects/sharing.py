"""What other libraries and programs need to use the same object store.

DVC, MLflow, Feast and pyarrow each have their own words for it; all of them come from
the section `minio`. Keys travel in variables of the process, never in a file.
"""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlops_common.sections import MinioSettings

if TYPE_CHECKING:
    from pyarrow.fs import S3FileSystem

# Newer clients send checksums unasked, which Ceph and older MinIO refuse.
CHECKSUMS = {
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


def variables(settings: MinioSettings) -> dict[str, str]:
    """Return the variables of a process in which AWS's libraries find the store.

    MLflow, Feast, DVC and DuckDB read them. Holds the keys where they are set: not for
    a log.

    Raises:
        ConfigError: The file of a key cannot be read.

    Examples:
        >>> found = variables(MinioSettings(endpoint="http://minio:9000"))
        >>> found["MLFLOW_S3_ENDPOINT_URL"], found["AWS_DEFAULT_REGION"]
        ('http://minio:9000', 'us-east-1')
    """
    access, secret = settings.secret("access_key"), settings.secret("secret_key")
    own = access is not None and secret is not None
    found = {
        **CHECKSUMS,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
        "AWS_ENDPOINT_URL_S3": settings.endpoint,
        "MLFLOW_S3_ENDPOINT_URL": settings.endpoint,
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": addressing(settings),
        "AWS_CA_BUNDLE": None if settings.ca_file is None else str(settings.ca_file),
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
        # A token of another login would not fit our keys.
        "AWS_SESSION_TOKEN": "" if own else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def dvc_options(settings: MinioSettings) -> dict[str, str]:
    """Return the options of a DVC remote in the store, without keys.

    Examples:
        >>> dvc_options(MinioSettings(endpoint="http://minio:9000"))
        {'region': 'us-east-1', 'endpointurl': 'http://minio:9000'}
    """
    options = {"region": settings.region}
    if settings.endpoint is not None:
        options["endpointurl"] = settings.endpoint
    if settings.ca_file is not None:
        options["ssl_verify"] = str(settings.ca_file)
    return options


def arrow_filesystem(settings: MinioSettings) -> "S3FileSystem":
    """Return pyarrow's view of the store; its paths begin with the bucket.

    Raises:
        ConfigError: The file of a key cannot be read.
    """
    from pyarrow.fs import S3FileSystem

    # It takes these from the process alone.
    os.environ.update(CHECKSUMS)
    options: dict[str, Any] = {
        "region": settings.region,
        "access_key": settings.secret("access_key"),
        "secret_key": settings.secret("secret_key"),
        "force_virtual_addressing": not settings.path_style,
    }
    if settings.endpoint is not None:
        place = urlsplit(settings.endpoint)
        options |= {"scheme": place.scheme, "endpoint_override": place.netloc}
    if settings.ca_file is not None:
        options["tls_ca_file_path"] = str(settings.ca_file)
    return S3FileSystem(**options)


def addressing(settings: MinioSettings) -> str:
    """Return how a URL names the bucket: in its `path`, or in its host."""
    return "path" if settings.path_style else "virtual"
