import errno
from pathlib import Path

import pytest

from mlops_common.errors import BackendError
from mlops_common.files import replacing


def test_a_folder_that_cannot_be_made_is_told_with_the_target(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "a.txt"

    with (
        pytest.raises(BackendError, match=f"cannot write {target}: "),
        replacing(target) as partial,
    ):
        partial.write_text("never")


def test_an_absent_source_is_not_told_as_a_target_that_cannot_be_written(
    tmp_path: Path,
) -> None:
    source = tmp_path / "source"

    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt") as partial:
        partial.write_bytes(source.read_bytes())

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_whatever_file_the_error_names(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"

    with (
        pytest.raises(BackendError, match=f"cannot write {target}: No space"),
        replacing(target),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "source", None, "a")


def test_a_block_that_writes_nothing_is_told(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"

    with pytest.raises(BackendError, match="cannot write"), replacing(target):
        pass
