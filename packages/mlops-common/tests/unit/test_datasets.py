import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.datasets import Datasets
from mlops_common.datasets.repository import link_or_copy
from mlops_common.errors import ConfigError, ContractError, NotFoundError
from mlops_common.objects.local import LocalObjectStore


class RemoteObjectStore(LocalObjectStore):
    """A store whose objects are no local files to its users."""

    def uri(self, key: str) -> str:
        return f"s3://bucket/{key}"


@pytest.fixture
def datasets(tmp_path: Path) -> Datasets:
    return Datasets(LocalObjectStore(tmp_path / "objects"), tmp_path / "datasets")


@pytest.fixture
def remote_datasets(tmp_path: Path) -> Datasets:
    return Datasets(RemoteObjectStore(tmp_path / "objects"), tmp_path / "datasets")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table.parquet"
    pq.write_table(pa.table({"customer_id": [1, 2, 3]}), file)
    return file


def test_the_key_holds_the_digest_of_the_bytes(datasets: Datasets, table: Path) -> None:
    ref = datasets.store("customers", table, prefix="raw")

    assert ref.digest == hashlib.sha256(table.read_bytes()).hexdigest()
    assert ref.key == f"raw/{ref.digest}.parquet"
    assert (ref.name, ref.rows, ref.revision) == ("customers", 3, "")


def test_storing_the_same_bytes_twice_changes_nothing(
    datasets: Datasets, table: Path
) -> None:
    first = datasets.store("customers", table, prefix="raw")
    written = datasets.path(first).stat()
    second = datasets.store("customers", table, prefix="raw")

    assert second == first
    assert datasets.path(second).stat().st_ino == written.st_ino


def test_a_local_object_is_read_where_it_lies(datasets: Datasets, table: Path) -> None:
    ref = datasets.store("customers", table, prefix="raw/b c")

    assert datasets.path(ref).as_uri() == datasets.objects.uri(ref.key)
    assert datasets.path(ref).read_bytes() == table.read_bytes()


def test_a_remote_object_is_downloaded_once(
    remote_datasets: Datasets, table: Path
) -> None:
    ref = remote_datasets.store("customers", table, prefix="raw")
    first = remote_datasets.path(ref)
    inode = first.stat().st_ino

    assert first.read_bytes() == table.read_bytes()
    assert remote_datasets.path(ref).stat().st_ino == inode
    assert [file.name for file in first.parent.iterdir()] == [first.name]


def test_altered_bytes_are_refused_and_storing_again_repairs_them(
    datasets: Datasets, table: Path
) -> None:
    ref = datasets.store("customers", table, prefix="raw")
    datasets.path(ref).write_bytes(b"altered")

    with pytest.raises(ContractError, match=r"'customers' was altered.*delete"):
        datasets.path(ref)

    datasets.store("customers", table, prefix="raw")
    assert datasets.path(ref).read_bytes() == table.read_bytes()


def test_bytes_that_are_nowhere_are_told_with_their_remedy(
    datasets: Datasets, table: Path
) -> None:
    ref = datasets.store("customers", table, prefix="raw")
    datasets.objects.delete(ref.key)

    with pytest.raises(NotFoundError, match="extract the dataset again"):
        datasets.path(ref)


def test_a_file_that_is_not_parquet_is_refused(
    datasets: Datasets, tmp_path: Path
) -> None:
    file = tmp_path / "table.csv"
    file.write_text("customer_id\n1\n")

    with pytest.raises(ContractError, match=r"table\.csv is not a Parquet file"):
        datasets.store("customers", file, prefix="raw")


@pytest.mark.parametrize("name", ["", "a b", "../a", "a/", "/a", "a@v1", "a.b", "-a"])
def test_a_name_that_cannot_be_a_tag_or_a_file_is_refused(
    datasets: Datasets, table: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=f"dataset name '{name}' must be made of"):
        datasets.store(name, table, prefix="raw")


def test_a_dataset_without_versions_has_no_revisions(datasets: Datasets) -> None:
    assert datasets.revisions("customers") == []
    with pytest.raises(NotFoundError, match="no revision 'validated'; it has: none"):
        datasets.revision("customers")


@given(content=st.binary(max_size=1000))
def test_a_link_or_copy_holds_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("link")
    (folder / "source").write_bytes(content)
    (folder / "target").write_bytes(b"before")

    link_or_copy(folder / "source", folder / "target")

    assert (folder / "target").read_bytes() == content
