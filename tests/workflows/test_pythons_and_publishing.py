"""On which Pythons a package is tested, and how it is published."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github/workflows"
PROJECTS = sorted(ROOT.glob("packages/*/pyproject.toml"))


def jobs(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    found: dict[str, Any] = workflow["jobs"]
    return found


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("job", ["test", "wheel"])
def test_every_python_that_a_package_admits_is_tried(project: Path, job: str) -> None:
    said = tomllib.loads(project.read_text("utf-8"))["project"]["requires-python"]

    tried = jobs("_package.yml")[job]["strategy"]["matrix"]["python"]

    minors = [int(version.removeprefix("3.")) for version in tried]
    assert minors == [*range(min(minors), max(minors) + 1)]
    assert said == f">=3.{minors[0]},<3.{minors[-1] + 1}"


def test_what_is_published_is_attested_and_needs_no_password() -> None:
    publish = jobs("release.yml")["publish"]
    (step,) = (s for s in publish["steps"] if "pypi-publish" in s["uses"])

    assert step["with"] == {"attestations": True}
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"]["name"] == "pypi"
    assert publish["needs"] == "build"
