import subprocess
import sys
from pathlib import Path

import pytest

from mlops_common.lineage.observation import Code
from mlops_common.lineage.source import code_of, page

COMMIT = "2b1c7e0b5d2f4c6a8e9f0a1b2c3d4e5f60718293"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a module, made by git itself."""
    root = tmp_path / "checkout"
    (root / "src").mkdir(parents=True)
    (root / "src/shop_jobs.py").write_text("", "utf-8")
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "remote", "add", "origin", "https://ann:s3cret@github.com/org/shop.git")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Start")
    monkeypatch.syspath_prepend(str(root / "src"))
    code_of.cache_clear()
    return root


def git(folder: Path, *words: str) -> str:
    person = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    command = ["git", *person, *words]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_code_is_where_git_says(checkout: Path) -> None:
    code = code_of("shop_jobs")

    assert code.commit == git(checkout, "rev-parse", "HEAD")
    assert (code.branch, code.path) == ("main", "src/shop_jobs.py")
    assert code.repository == "https://github.com/org/shop.git"
    assert page(code).startswith("https://github.com/org/shop/blob/")


def test_packed_references_and_detached_heads_are_read(checkout: Path) -> None:
    git(checkout, "pack-refs", "--all")
    packed = code_of("shop_jobs")
    code_of.cache_clear()
    git(checkout, "checkout", "-q", "--detach")
    detached = code_of("shop_jobs")

    assert packed.commit == detached.commit == git(checkout, "rev-parse", "HEAD")
    assert (packed.branch, detached.branch) == ("main", "")


def test_a_worktree_is_at_its_own_commit(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    git(checkout, "worktree", "add", "-q", "-b", "other", str(tree))
    git(tree, "commit", "-q", "--allow-empty", "-m", "More")
    monkeypatch.syspath_prepend(str(tree / "src"))
    code_of.cache_clear()

    code = code_of("shop_jobs")

    assert (code.branch, code.commit) == ("other", git(tree, "rev-parse", "HEAD"))
    assert code.repository == "https://github.com/org/shop.git"


def test_a_package_installed_below_a_checkout_is_of_none(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = checkout / ".venv/lib/site-packages"
    installed.mkdir(parents=True)
    (installed / "bought_jobs.py").write_text("", "utf-8")
    monkeypatch.syspath_prepend(str(installed))

    code = code_of("bought_jobs")

    assert (code.commit, code.path, code.repository) == ("", "", "")
    assert code.file.endswith("/bought_jobs.py")


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("git@github.com:org/shop.git", "https://github.com/org/shop/blob"),
        ("ssh://git@git.example:2222/org/shop", "https://git.example/org/shop/blob"),
        ("https://git.example/a/b/c.git/", "https://git.example/a/b/c/blob"),
    ],
)
def test_a_host_shows_the_file_at_its_commit(repository: str, address: str) -> None:
    code = Code(module="a", path="src/a b.py", commit=COMMIT, repository=repository)

    assert page(code) == f"{address}/{COMMIT}/src/a%20b.py"


@pytest.mark.parametrize("repository", ["", "/srv/git/shop.git", "file:///srv/shop"])
def test_a_repository_without_pages_shows_the_file(repository: str) -> None:
    code = Code(
        module="a", path="a.py", commit=COMMIT, repository=repository, file="file:///a"
    )

    assert page(code) == "file:///a"


def test_a_module_without_a_file_has_a_name_alone() -> None:
    assert code_of("sys") == Code(module="sys")
    assert "sys" in sys.modules
