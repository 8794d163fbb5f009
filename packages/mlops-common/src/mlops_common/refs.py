"""Small frozen values that travel between steps while the data stays put."""

from pydantic import BaseModel, ConfigDict


class Ref(BaseModel):
    """Base of every reference: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class DatasetRef(Ref):
    """A pointer to one immutable Parquet table.

    Attributes:
        name: Logical name, such as `customers` or `churn/training`.
        key: Object key of the bytes; holds the digest.
        digest: SHA-256 of the bytes, in hex.
        rows: Number of rows.
        revision: DVC revision the table is, or was derived from, such as
            `customers@v3`; empty until it is versioned.

    Examples:
        >>> ref = DatasetRef(name="customers", key="raw/ab", digest="ab", rows=3)
        >>> ref.revision
        ''
    """

    name: str
    key: str
    digest: str
    rows: int
    revision: str = ""


class ModelRef(Ref):
    """A pointer to one immutable version of a registered model.

    Attributes:
        name: Registered name, such as `churn-predictor`.
        version: Version number in the registry, from 1.
        run_id: Tracking run that made it.
        uri: Storage URI of the model's folder; never an alias.
        digest: SHA-256 over the names and bytes of the folder's files, in hex.
        dataset: Dataset revision that it was trained on.
    """

    name: str
    version: int
    run_id: str
    uri: str
    digest: str
    dataset: str = ""


class EndpointRef(Ref):
    """A pointer to a served model.

    Attributes:
        name: Name of the service, which is also the model's name in its URLs.
        url: Base URL, such as `http://127.0.0.1:8081`.
        model: The version that answers.
    """

    name: str
    url: str
    model: ModelRef

    @property
    def infer_url(self) -> str:
        """URL of the Open Inference Protocol (V2) `infer` call."""
        return f"{self.url}/v2/models/{self.name}/infer"
