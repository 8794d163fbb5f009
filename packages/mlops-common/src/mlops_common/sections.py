"""The sections of `config.yaml`: one for each external system.

A section that names its server is `external`; one that does not is embedded. A secret
is given by a variable such as `MLOPS_MINIO__SECRET_KEY`, by a file (`*_file`), or in
the file itself, which earns a warning.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from mlops_common.errors import ConfigError
from mlops_common.params import Params


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("expected an address that begins with http:// or https://")
    return text


Url = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, description="Seconds.")]
Count = Annotated[int, Field(ge=1)]
Secret = SecretStr | None
File = Path | None


class Section(Params):
    """Base of every section."""

    def secret(self, key: str = "password") -> str | None:
        """Return the secret `key`, from its value or from the file `<key>_file`.

        Raises:
            ConfigError: The file cannot be read.

        Examples:
            >>> PostgresSettings(password=SecretStr("hunter2")).secret()
            'hunter2'
        """
        value: Secret = getattr(self, key)
        file: File = getattr(self, f"{key}_file")
        if value is not None:
            return value.get_secret_value()
        if file is None:
            return None
        try:
            return file.read_text("utf-8").strip()
        except OSError as error:
            section = type(self).__name__.removesuffix("Settings").lower()
            raise ConfigError(
                f"{section}.{key}_file {file} cannot be read: {error.strerror}"
            ) from error


class PostgresSettings(Section):
    """The PostgreSQL server; embedded in the home folder when `host` is empty."""

    host: str | None = Field(None, description="Host name; empty means embedded.")
    port: Port = 5432
    database: str = Field("customers", description="Database of the source tables.")
    user: str = "postgres"
    password: Secret = None
    password_file: File = Field(None, description="File with the password.")
    sslmode: Literal[
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full"
    ] = "prefer"
    sslrootcert: File = Field(None, description="Certificates that sign the server's.")
    connect_timeout: Annotated[int, Field(ge=1, description="Seconds.")] = 10
    statement_timeout: Annotated[int, Field(ge=0)] = Field(
        3600, description="Seconds after which a query of ours ends; 0 means never."
    )
    pool_size: Count = Field(5, description="Connections that a pool keeps open.")
    max_overflow: Annotated[int, Field(ge=0)] = Field(
        10,
        description="Connections that a pool may open beyond those; MLflow's own pool "
        "takes 0 for its default, 10.",
    )

    @property
    def external(self) -> bool:
        """Whether a server is named."""
        return self.host is not None


class MinioSettings(Section):
    """The object store, any S3; a folder when `endpoint` and `bucket` are empty.

    Without keys, those of the SDK's own chain are used: its variables, its files, the
    role of the machine.
    """

    endpoint: str | None = Field(
        None, description="URL of the server; empty with a bucket means AWS."
    )
    bucket: str | None = Field(None, description="Bucket; `mlops` by default.")
    region: str = "us-east-1"
    path_style: bool = Field(
        default=True,
        description="Name the bucket in the path of a URL, not in its host.",
    )
    access_key: Secret = None
    access_key_file: File = None
    secret_key: Secret = None
    secret_key_file: File = None
    ca_file: File = Field(None, description="Certificates that sign the server's.")
    part_size_mb: Annotated[int, Field(ge=5, le=5120)] = Field(
        16, description="MiB of a part of a multipart upload."
    )
    parallel_parts: Annotated[int, Field(ge=1, le=64)] = 4
    retries: Annotated[int, Field(ge=0)] = Field(
        8, description="Further tries of a request that the server failed."
    )

    @property
    def external(self) -> bool:
        """Whether a server or a bucket is named."""
        return self.endpoint is not None or self.bucket is not None

    @property
    def bucket_name(self) -> str:
        """The bucket in use."""
        return self.bucket or "mlops"


class MlflowSettings(Section):
    """The MLflow tracking store; embedded in PostgreSQL when the URI is empty."""

    tracking_uri: str | None = Field(None, description="Empty means embedded.")
    username: str | None = Field(None, description="For basic authentication.")
    password: Secret = None
    password_file: File = None
    token: Secret = None
    token_file: File = None

    @property
    def external(self) -> bool:
        """Whether a store is named."""
        return self.tracking_uri is not None


class KubeflowSettings(Section):
    """Kubeflow Pipelines; its local runner on this machine when `host` is empty."""

    host: str | None = Field(None, description="URL of the API server.")
    namespace: str = "kubeflow"
    token: Secret = Field(None, description="Bearer token; or the pod's own account.")
    token_file: File = None
    ca_file: File = None
    image: str = Field(
        "uc1-churn:latest", description="Image that holds the package to be run."
    )
    service_account: str | None = None
    environment_secret: str | None = Field(
        "mlops-environment",
        description="Kubernetes Secret, in the namespace of the steps, whose keys "
        "become their variables: MLOPS_POSTGRES__PASSWORD and the like.",
    )
    config_map: str | None = Field(
        None, description="Kubernetes ConfigMap with the key config.yaml."
    )
    cpu: str = Field("1", description="CPUs that a step asks for.")
    memory: str = Field("2Gi", description="Memory that a step asks for, and its most.")
    timeout: Seconds = 3600
    patience: Seconds = Field(
        300, description="Seconds for which the API server may not answer."
    )

    @property
    def external(self) -> bool:
        """Whether an API server is named."""
        return self.host is not None


class RedisSettings(Section):
    """A Redis server."""

    host: str
    port: Port = 6379
    password: Secret = None
    password_file: File = None
    tls: bool = False


class FeastSettings(Section):
    """The Feast feature store; on the PostgreSQL server of this file by default."""

    repo_path: Path | None = Field(
        None, description="Folder for the rendered repository; empty means the home."
    )
    postgres: PostgresSettings | None = Field(
        None, description="Another server for the registry and the online store."
    )
    redis: RedisSettings | None = Field(
        None, description="Redis for the online store, instead of PostgreSQL."
    )


class KserveSettings(Section):
    """Model servers; processes on this machine when no cluster is named."""

    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0,
        description="Port of the first embedded service; 0 takes a free one and "
        "keeps it.",
    )
    host: str | None = Field(None, description="URL of the Kubernetes API server.")
    kubeconfig: File = Field(None, description="File that names the cluster.")
    context: str | None = Field(None, description="Context in the kubeconfig.")
    in_cluster: bool = Field(default=False, description="Use the account of this pod.")
    token: Secret = Field(None, description="Bearer token, with `host`.")
    token_file: File = None
    ca_file: File = None
    namespace: str | None = Field(
        None, description="Where services live; that of the use case by default."
    )
    mode: Literal["auto", "Knative", "Standard"] = Field(
        "auto", description="KServe's deployment mode; `auto` detects it."
    )
    runtime: str | None = Field(None, description="ServingRuntime that is to be used.")
    service_account: str | None = Field(
        None, description="Account of the pods, with access to the object store."
    )
    url: str | None = Field(
        None,
        description="How to reach a service from here, with {name} and {namespace}; "
        "the URL in its status by default.",
    )
    timeout: Seconds = Field(600, description="Seconds for a version to be ready.")
    patience: Seconds = Field(
        300, description="Seconds for which the API server may not answer."
    )

    @property
    def external(self) -> bool:
        """Whether a cluster is named."""
        named = (self.host, self.kubeconfig, self.context)
        return self.in_cluster or any(value is not None for value in named)


class LineageSettings(Section):
    """Where OpenLineage events go: tables in PostgreSQL, and a receiver if named.

    A receiver is Marquez, or anything that takes OpenLineage events over HTTP.
    """

    enabled: bool = Field(default=True, description="Whether runs tell their lineage.")
    embedded: bool = Field(
        default=True, description="Keep it in PostgreSQL, where `mlops lineage` looks."
    )
    url: Url | None = Field(
        None, description="URL of the receiver, such as http://marquez:5000."
    )
    endpoint: str = Field("api/v1/lineage", description="Path of events at the `url`.")
    api_key: Secret = Field(None, description="Bearer token of the receiver.")
    api_key_file: File = None
    namespace: str = Field("mlops", description="OpenLineage namespace of the jobs.")
    owner: str | None = Field(
        None, description="Who owns what the runs write, such as team:churn."
    )
    spool_mb: Count = Field(
        64, description="MiB of events kept on disk while a receiver is away."
    )
    timeout: Seconds = Field(10, description="Seconds for the receiver to answer.")

    @property
    def external(self) -> bool:
        """Whether a receiver is named."""
        return self.url is not None
