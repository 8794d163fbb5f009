"""Every package has a changelog that towncrier can continue."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/src"))


@pytest.mark.parametrize("package", PACKAGES)
def test_its_fragments_make_a_section(package: str) -> None:
    command = (sys.executable, "-m", "towncrier", "build", "--draft")
    options = ("--config", "pyproject.toml", "--dir", f"packages/{package}")
    done = subprocess.run(
        (*command, *options, "--version", "99.0"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("## 99.0\n")


@pytest.mark.parametrize("package", PACKAGES)
def test_it_says_where_the_next_section_goes(package: str) -> None:
    text = (ROOT / "packages" / package / "CHANGELOG.md").read_text("utf-8")

    assert text.startswith(f"# Changelog of {package}\n")
    assert text.count("<!-- towncrier release notes start -->\n") == 1
