import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops_common.errors import BackendError
from uc1_churn.tables import staging
from uc1_churn.tables.staging import StagedTable


def test_a_folder_is_removed_when_its_block_ends(tmp_path: Path) -> None:
    with staging.folder(tmp_path) as folder:
        (folder / "table.parquet").write_text("", "utf-8")

    assert list(tmp_path.iterdir()) == []


def test_what_nobody_touched_for_a_day_is_removed(tmp_path: Path) -> None:
    old, young = staging.new_folder(tmp_path), staging.new_folder(tmp_path)
    past = time.time() - 2 * staging.ABANDONED
    os.utime(old, (past, past))

    new = staging.new_folder(tmp_path)

    assert set(tmp_path.iterdir()) == {young, new}


def test_what_a_killed_run_left_is_removed_by_the_next_run(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib; from uc1_churn.tables import staging; "
        "staging.new_folder(pathlib.Path(sys.argv[1])); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len([*tmp_path.iterdir()]) == 1

    mine, another = staging.new_folder(tmp_path), staging.new_folder(tmp_path)

    assert set(tmp_path.iterdir()) == {mine, another}


def test_a_folder_that_another_run_removes_meanwhile_hinders_nothing(
    tmp_path: Path,
) -> None:
    # Listed, but gone when it is looked at, as a link to nothing is.
    (tmp_path / "vanished").symlink_to(tmp_path / "nowhere")

    assert staging.new_folder(tmp_path).is_dir()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")

    with pytest.raises(BackendError, match=r"cannot write .*file/staging: Not a dir"):
        staging.new_folder(tmp_path / "file" / "staging")


def test_a_staged_file_goes_with_its_folder(tmp_path: Path) -> None:
    path = staging.new_folder(tmp_path) / "table.parquet"
    path.write_text("", "utf-8")

    staging.discard(StagedTable(name="t", path=path, rows=0))

    assert list(tmp_path.iterdir()) == []
