import os
import time
from pathlib import Path

from uc1_churn import staging
from uc1_churn.staging import StagedTable


def test_a_folder_is_removed_when_its_block_ends(tmp_path: Path) -> None:
    with staging.folder(tmp_path) as folder:
        (folder / "table.parquet").write_text("", "utf-8")

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_after_a_day(tmp_path: Path) -> None:
    old, young = staging.new_folder(tmp_path), staging.new_folder(tmp_path)
    past = time.time() - 2 * staging.ABANDONED
    os.utime(old, (past, past))

    new = staging.new_folder(tmp_path)

    assert set(tmp_path.iterdir()) == {young, new}


def test_a_staged_file_goes_with_its_folder(tmp_path: Path) -> None:
    path = staging.new_folder(tmp_path) / "table.parquet"
    path.write_text("", "utf-8")

    staging.discard(StagedTable(name="t", path=path, rows=0))

    assert list(tmp_path.iterdir()) == []
