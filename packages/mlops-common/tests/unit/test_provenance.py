import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from mlops_common.lineage.observation import Code
from mlops_common.lineage.source import code_of, marked, page
from mlops_common.provenance import commit

PAGE = "https://github.com/org/shop/blob"


def git(folder: Path, *words: str) -> str:
    person = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    command = ["git", "-C", str(folder), *person, "-c", "commit.gpgSign=no", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout with a package."""
    package = tmp_path / "checkout/shop_jobs_of_git"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "loading.py").write_text("", "utf-8")
    git(tmp_path, "init", "-q", str(package.parent))
    git(package, "remote", "add", "origin", "https://github.com/org/shop.git")
    git(package, "add", ".")
    git(package, "commit", "-q", "-m", "Start")
    return package.parent


def test_a_clean_checkout_is_at_its_commit(checkout: Path) -> None:
    (checkout / "new.txt").write_text("not of the commit", "utf-8")

    assert commit(checkout) == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("change", ["written", "staged", "deleted"])
def test_a_changed_file_marks_the_commit(checkout: Path, change: str) -> None:
    file = checkout / "shop_jobs_of_git/loading.py"
    if change == "deleted":
        file.unlink()
    else:
        file.write_text("changed = True", "utf-8")
    if change == "staged":
        git(checkout, "add", ".")

    assert commit(checkout) == f"{git(checkout, 'rev-parse', 'HEAD')}-dirty"


def test_a_folder_that_git_tracks_nothing_of_is_at_no_commit(
    checkout: Path, tmp_path: Path
) -> None:
    below = checkout / "site-packages/bought"
    below.mkdir(parents=True)
    (below / "__init__.py").write_text("", "utf-8")
    git(tmp_path, "init", "-q", str(tmp_path / "unborn"))
    (tmp_path / "unborn/a.py").write_text("", "utf-8")
    git(tmp_path / "unborn", "add", ".")

    assert commit(below) is None
    assert commit(tmp_path / "unborn") is None
    assert commit(tmp_path / "absent") is None


def test_without_git_no_commit_is_known(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(checkout))

    assert commit(checkout) is None


def test_git_is_asked_once_whoever_asks_and_however_the_files_change(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(8) as pool:
        first = set(pool.map(commit, [checkout] * 8))
    (checkout / "shop_jobs_of_git/loading.py").write_text("changed = True", "utf-8")
    monkeypatch.setenv("PATH", "")

    assert first == {commit(checkout)}


def test_who_does_not_wait_learns_what_git_has_answered(checkout: Path) -> None:
    assert commit(checkout, wait=False) in {None, git(checkout, "rev-parse", "HEAD")}

    known = commit(checkout)

    assert known is not None
    assert re.fullmatch("[0-9a-f]{40}", known)
    assert commit(checkout, wait=False) == known


def test_the_code_of_a_job_is_marked_once_git_has_answered(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(checkout))
    import_module("shop_jobs_of_git.loading")
    (checkout / "shop_jobs_of_git/loading.py").write_text("changed = True", "utf-8")
    head = git(checkout, "rev-parse", "HEAD")
    found = code_of("shop_jobs_of_git.loading")

    commit(checkout / "shop_jobs_of_git")

    assert (found.commit, marked(found).commit) == (head, f"{head}-dirty")
    # The host has no page of what was not committed.
    assert page(marked(found)) == f"{PAGE}/{head}/shop_jobs_of_git/loading.py"


def test_code_of_no_checkout_is_not_marked() -> None:
    bought = Code(module="pytest", file="file:///site-packages/pytest/__init__.py")

    assert marked(bought) == bought
