"""Every package has its workflows, and they run what exists."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github/workflows"
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/src"))
USE_CASES = [package for package in PACKAGES if package != "mlops-common"]
BODY = "./.github/workflows/_package.yml"
SHARED = {"uv.lock", "noxfile.py", "packages/mlops-common/**", BODY.removeprefix("./")}
NOX = re.compile(r"nox -s ([^\n]*?)(?: -- |$)", re.MULTILINE)


def read(file: Path) -> dict[str, Any]:
    """Read a workflow; YAML 1.1 takes its key `on` for a truth value."""
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in workflow.items()}


WORKFLOWS = {file.name: read(file) for file in sorted(FOLDER.glob("*.yml"))}
CALLERS = {
    job["with"]["case"]: name
    for name, workflow in WORKFLOWS.items()
    for job in workflow["jobs"].values()
    if job.get("uses") == BODY
}


def case_of(package: str) -> str:
    return package.removeprefix("mlops-").partition("-")[0]


@pytest.fixture(scope="module")
def sessions() -> set[str]:
    """The names of all nox sessions."""
    command = (sys.executable, "-m", "nox", "--list", "--nocolor")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r"^[*-] (\S+)", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_has_its_caller_and_its_sessions(
    package: str, sessions: set[str]
) -> None:
    case = case_of(package)

    assert case in CALLERS, f"add .github/workflows/{package}.yml"
    assert {f"test-{case}", f"wheel-{case}"} <= sessions


@pytest.mark.parametrize("package", PACKAGES)
def test_its_caller_runs_when_it_or_what_it_stands_on_changes(package: str) -> None:
    name = CALLERS[case_of(package)]
    own = {f"packages/{package}/**", f".github/workflows/{name}"}

    for event in ("push", "pull_request"):
        paths = WORKFLOWS[name]["on"][event]["paths"]
        assert own | SHARED <= set(paths)
        others = {f"packages/{other}/**" for other in USE_CASES} - own
        assert not others & set(paths)


@pytest.mark.parametrize("package", USE_CASES)
def test_its_deployments_are_registered_from_the_default_branch_alone(
    package: str,
) -> None:
    name = f"deploy-{case_of(package)}.yml"
    assert name in WORKFLOWS, f"add .github/workflows/{name}"
    (job,) = WORKFLOWS[name]["jobs"].values()

    assert job["if"] == "github.ref_name == github.event.repository.default_branch"
    assert job["environment"]
    assert f"nox -s deploy-{case_of(package)}" in commands(job)
    assert job["steps"][-1]["env"].keys() == {
        "PREFECT_API_URL",
        "PREFECT_API_KEY",
        "PREFECT_API_AUTH_STRING",
    }
    assert f"packages/{package}/**" in WORKFLOWS[name]["on"]["push"]["paths"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_sessions_that_it_runs_exist(name: str, sessions: set[str]) -> None:
    for job in WORKFLOWS[name]["jobs"].values():
        for words in NOX.findall(commands(job)):
            for session in words.replace('"', "").split():
                for package in PACKAGES:
                    assert session.replace("$CASE", case_of(package)) in sessions


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_may_do_no_more_than_each_job_needs(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    for job in WORKFLOWS[name]["jobs"].values():
        assert job["permissions"] in ({"contents": "read"}, {"id-token": "write"})


def test_only_the_publishing_job_may_ask_for_an_identity() -> None:
    asking = [
        (name, key)
        for name, workflow in WORKFLOWS.items()
        for key, job in workflow["jobs"].items()
        if "id-token" in job["permissions"]
    ]

    assert asking == [("release.yml", "publish")]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_action_is_pinned_by_its_commit_and_says_its_version(name: str) -> None:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    uses = [line.split("uses: ")[1] for line in lines if "uses: " in line]
    actions = [use for use in uses if not use.startswith("./")]

    pinned = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
    assert [action for action in actions if not pinned.fullmatch(action)] == []


def test_what_is_published_is_built_once_and_is_what_was_tested() -> None:
    build = WORKFLOWS["release.yml"]["jobs"]["build"]
    lines = [line for line in commands(build).splitlines() if line]
    (kept,) = (
        step["with"] for step in build["steps"] if "path" in step.get("with", ())
    )

    assert lines[1:] == [
        'uv build --wheel --out-dir dist --package "$PACKAGE"',
        'uv run nox -s "wheel-$CASE" -- --wheels=dist',
    ]
    assert kept["path"] == "dist/"


def commands(job: dict[str, Any]) -> str:
    """Return what a job's steps run, a line each."""
    return "\n".join(step.get("run", "") for step in job.get("steps", ()))
