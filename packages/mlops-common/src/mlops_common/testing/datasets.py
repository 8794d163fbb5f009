"""Small tables, stored and versioned under a home folder."""

import shutil
import subprocess
from pathlib import Path

from mlops_common.datasets import Datasets, Remote
from mlops_common.datasets.git import environment
from mlops_common.objects.local import LocalObjectStore
from mlops_common.refs import DatasetRef

GIT = shutil.which("git") or "git"


def datasets_in(home: Path, remote: Remote | None = None) -> Datasets:
    """Return the datasets of a home, their objects in a folder there."""
    objects = LocalObjectStore(home / "objects")
    return Datasets(objects, home / "datasets", remote=remote)


def write(folder: Path, *ids: int) -> Path:
    """Write a table with these customers; return its file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{'-'.join(map(str, ids))}.parquet"
    pq.write_table(pa.table({"customer_id": ids}), file)
    return file


def store(datasets: Datasets, folder: Path, *ids: int) -> DatasetRef:
    """Store a table with these customers; return its reference."""
    return datasets.store("customers", write(folder, *ids), prefix="raw")


def git(folder: Path, *args: str) -> str:
    """Run git as the datasets do; return what it says."""
    done = subprocess.run(
        [GIT, *args], cwd=folder, check=True, capture_output=True, env=environment()
    )
    return done.stdout.decode()
