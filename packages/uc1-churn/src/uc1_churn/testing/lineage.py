"""A shop of two customers whose lineage is told, and how to read what is told."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import Dataset, Origin
from mlops_common.refs import DatasetRef, EndpointRef, ModelRef
from uc1_churn.config import ChurnParams, DatasetSpec
from uc1_churn.features.schema import FeatureSchema

SPEC = DatasetSpec(name="shop", table="sales.clients", entity="id", timestamp="at")
SHAPE = FeatureSchema(
    dataset="shop",
    entity="id",
    entity_type="integer",
    numeric=("age",),
    categorical=("city",),
    timestamp="at",
)
MODEL = ModelRef(name="churn", version=7, run_id="r", uri="file:///m", digest="d")
ENDPOINT = EndpointRef(name="churn", url="http://127.0.0.1:1", model=MODEL)
PARAMS = ChurnParams(model_name="churn", dataset=SPEC)


def store(
    platform: Platform,
    folder: Path,
    name: str,
    prefix: str,
    table: Mapping[str, object],
) -> DatasetRef:
    """Store columns as a dataset, by way of a file in `folder`."""
    file = folder / f"{name}.parquet"
    pq.write_table(pa.table(dict(table)), file)
    return platform.datasets.store(name, file, prefix=prefix)


def origins(dataset: Dataset) -> dict[str, list[str]]:
    """Return the source columns of each column, as `name of dataset.column`."""
    return {
        column: [f"{Path(found.dataset.name).name}.{found.field}" for found in sources]
        for column, sources in dataset.origins.items()
    }


def named(origin: Origin) -> tuple[str, str]:
    """Return the dataset of a source column, and the column."""
    return str(origin.dataset), origin.field
