"""A tag releases a package only when both say the same version."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/release_tag.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A workspace with one package, at version 0.2.0."""
    package = tmp_path / "packages/uc1-churn"
    (package / "src").mkdir(parents=True)
    (package / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n', "utf-8")
    (package / "CHANGELOG.md").write_text(
        "# Changelog\n\n## 0.2.0\n\n- New.\n", "utf-8"
    )
    return tmp_path


def check(tag: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, SCRIPT, tag)
    return subprocess.run(
        command, cwd=checkout, capture_output=True, text=True, check=False
    )


def test_the_tag_of_a_package_s_version_is_taken(checkout: Path) -> None:
    done = check("uc1-churn-0.2.0", checkout)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "package=uc1-churn\ncase=uc1\n"


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("uc1-churn-0.3.0", "not of the version in packages/uc1-churn/pyproject.toml"),
        ("uc1-churn-0.2.0.post1", "not of the version"),
        ("uc9-nothing-0.2.0", "names no package; the packages are uc1-churn"),
        ("uc1-churn", "is no tag of a release, such as uc1-churn-0.2.0"),
        ("../uc1-churn-0.2.0", "is no tag of a release"),
        ("0.2.0", "is no tag of a release"),
    ],
)
def test_any_other_tag_is_refused(tag: str, said: str, checkout: Path) -> None:
    done = check(tag, checkout)

    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr


def test_a_version_that_the_changelog_does_not_tell_of_is_refused(
    checkout: Path,
) -> None:
    (checkout / "packages/uc1-churn/CHANGELOG.md").write_text("# Changelog\n", "utf-8")

    done = check("uc1-churn-0.2.0", checkout)

    assert done.returncode == 1
    assert "does not tell of 0.2.0" in done.stderr


@pytest.mark.parametrize(
    "folder", sorted(ROOT.glob("packages/*/")), ids=lambda f: f.name
)
def test_the_tag_of_every_package_here_is_taken(folder: Path) -> None:
    version = ("uv", "version", "--package", folder.name, "--short")
    short = subprocess.run(
        version, cwd=ROOT, capture_output=True, text=True, check=True
    )

    done = check(f"{folder.name}-{short.stdout.strip()}", ROOT)

    assert done.returncode == 0, done.stderr
