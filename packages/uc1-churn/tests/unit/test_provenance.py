import re
import subprocess
from pathlib import Path

from uc1_churn.provenance import code_digest, git_commit


def git(folder: Path, *args: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgSign=no"]
    command = ["git", "-C", str(folder), *identity, *args]
    subprocess.run(command, check=True, capture_output=True)


def checkout(folder: Path) -> Path:
    git(folder, "init")
    (folder / "code.py").write_text("a", "utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    return folder


def test_a_clean_checkout_is_named_by_its_commit(tmp_path: Path) -> None:
    assert re.fullmatch("[0-9a-f]{40}", git_commit(checkout(tmp_path)))


def test_changed_files_are_told(tmp_path: Path) -> None:
    (checkout(tmp_path) / "code.py").write_text("b", "utf-8")

    assert re.fullmatch("[0-9a-f]{40}-dirty", git_commit(tmp_path))


def test_an_installed_wheel_is_named_by_its_version(tmp_path: Path) -> None:
    assert re.fullmatch(r"uc1-churn \d+\.\d+\.\d+", git_commit(tmp_path))


def test_a_wheel_below_another_checkout_is_not_named_by_that(tmp_path: Path) -> None:
    below = checkout(tmp_path) / "site-packages"
    below.mkdir()

    assert git_commit(below).startswith("uc1-churn ")


def test_the_digest_of_the_code_follows_its_files_and_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "code.py").write_text("a", "utf-8")
    (tmp_path / "sql/query.sql").write_text("SELECT", "utf-8")
    first = code_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/code.pyc").write_bytes(b"compiled")

    assert code_digest(tmp_path) == first

    (tmp_path / "sql/query.sql").write_text("SELECT 1", "utf-8")
    changed = code_digest(tmp_path)
    (tmp_path / "code.py").rename(tmp_path / "renamed.py")

    assert len({first, changed, code_digest(tmp_path)}) == 3
