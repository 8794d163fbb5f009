import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_common.errors import BackendError, NotFoundError
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.local import LocalObjectStore
from mlops_common.testing.objects import ObjectStoreContract, read


class TestLocalObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return LocalObjectStore(tmp_path / "objects")


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "objects")


def test_a_write_that_fails_leaves_the_old_bytes_and_no_other_file(
    store: LocalObjectStore, tmp_path: Path
) -> None:
    store.put("a", b"old")

    with pytest.raises(NotFoundError, match=r"no file .*/absent to store as 'a'"):
        store.upload("a", tmp_path / "absent")

    assert read(store, "a") == b"old"
    assert [path.name for path in store.root.iterdir()] == ["a"]


def test_a_file_that_a_killed_write_left_is_no_object(store: LocalObjectStore) -> None:
    store.put("raw/a", b"")
    (store.root / "raw" / ".partial-killed").write_bytes(b"half")

    assert list(store.keys()) == ["raw/a"]


def test_a_full_disk_is_told_with_its_remedy(
    store: LocalObjectStore, tmp_path: Path
) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(1 << 20))

    with file_size_limit(1 << 16), pytest.raises(BackendError, match="free some space"):
        store.upload("a", source)

    assert list(store.keys()) == []
    assert list(store.root.iterdir()) == []


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let this process's writes fail beyond `size` bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
