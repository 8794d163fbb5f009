"""Immutable, versioned tables: Parquet objects, and a DVC revision of each."""

from mlops_common.datasets.dvc import Remote
from mlops_common.datasets.store import Datasets

__all__ = ["Datasets", "Remote"]
