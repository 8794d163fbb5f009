"""Versions of datasets, which DVC and git keep."""

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlops_common.datasets import Datasets, Remote
from mlops_common.errors import NotFoundError
from mlops_common.testing.datasets import datasets_in, git, store, write
from mlops_common.testing.marks import DVC

pytestmark = [*DVC, pytest.mark.usefixtures("scratch_of_dvc")]


def dvc(folder: Path, *args: str) -> None:
    """Run DVC's own command."""
    command = [sys.executable, "-m", "dvc", *args]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


def test_dvc_itself_checks_out_every_revision(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    refs = [datasets.version(store(datasets, tmp_path, *ids)) for ids in [(1,), (1, 2)]]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(home / "datasets"), str(clone))

    for ref in refs:
        git(clone, "checkout", "--quiet", ref.revision)
        dvc(clone, "pull")
        pulled = (clone / "customers.parquet").read_bytes()
        assert pulled == datasets.path(ref).read_bytes()


def test_the_same_bytes_make_no_second_version(
    datasets: Datasets, tmp_path: Path
) -> None:
    first = datasets.version(store(datasets, tmp_path, 1))
    second = datasets.version(store(datasets, tmp_path, 1, 2))
    again = datasets.version(store(datasets, tmp_path, 1))

    assert first.revision == again.revision == "customers@v1"
    assert second.revision == "customers@v2"
    assert datasets.revisions("customers") == ["v1", "v2"]


def test_a_later_run_reads_any_revision_by_name(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    refs = [datasets.version(store(datasets, tmp_path, number)) for number in range(11)]
    later = datasets_in(home)

    assert later.revisions("customers") == [f"v{number}" for number in range(1, 12)]
    for number, ref in enumerate(refs, start=1):
        found = later.revision("customers", f"v{number}")
        assert found == ref
        assert pq.read_table(later.path(found))["customer_id"].to_pylist() == [
            number - 1
        ]


def test_an_unknown_revision_is_told_with_those_that_are(
    datasets: Datasets, tmp_path: Path
) -> None:
    datasets.version(store(datasets, tmp_path, 1))

    for revision in ("v2", "validated", "main"):
        with pytest.raises(NotFoundError, match=rf"'{revision}'; it has: v1"):
            datasets.revision("customers", revision)


def test_approval_moves_the_pointer_and_nothing_else(
    datasets: Datasets, tmp_path: Path
) -> None:
    first = datasets.version(store(datasets, tmp_path, 1))
    second = datasets.version(store(datasets, tmp_path, 2))

    for ref in (first, second, first):
        datasets.approve(ref)
        assert datasets.revision("customers") == ref
    assert datasets.revisions("customers") == ["v1", "v2"]


def test_what_was_never_versioned_cannot_be_approved(
    datasets: Datasets, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="no revision ''"):
        datasets.approve(store(datasets, tmp_path, 1))


def test_datasets_of_several_names_share_a_repository(
    datasets: Datasets, tmp_path: Path
) -> None:
    names = ("churn", "churn/training", "churn/training-2")
    for name in names:
        ref = datasets.store(name, write(tmp_path, 1), prefix="raw")
        assert datasets.version(ref).revision == f"{name}@v1"

    assert [datasets.revisions(name) for name in names] == [["v1"]] * len(names)


def test_an_object_that_is_gone_comes_back_from_its_version(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    ref = datasets.version(store(datasets, tmp_path, 1))
    expected = datasets.path(ref).read_bytes()
    datasets.objects.delete(ref.key)
    shutil.rmtree(home / "datasets" / ".dvc" / "cache")

    assert datasets.path(ref).read_bytes() == expected


def test_the_bytes_lie_on_the_disk_twice_only(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    ref = datasets.version(store(datasets, tmp_path, 1))
    size = datasets.path(ref).stat().st_size
    same = [path for path in home.rglob("*") if path.is_file()]
    inodes = {path.stat().st_ino for path in same if path.stat().st_size == size}

    assert len(inodes) == 2


def test_a_home_that_moved_works_on(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    datasets.version(store(datasets, tmp_path, 1))
    moved = datasets_in(home.rename(tmp_path / "moved"))
    ref = moved.version(store(moved, tmp_path, 2))

    assert ref.revision == "customers@v2"
    assert not home.exists()
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "moved" / "datasets"), str(clone))
    dvc(clone, "pull")
    assert (clone / "customers.parquet").read_bytes() == moved.path(ref).read_bytes()


def test_the_remote_is_where_the_caller_says(home: Path, tmp_path: Path) -> None:
    datasets = datasets_in(home, remote=Remote(str(tmp_path / "elsewhere")))
    datasets.version(store(datasets, tmp_path, 1))

    assert any((tmp_path / "elsewhere").rglob("*"))
    assert not (home / "datasets.remote").exists()
