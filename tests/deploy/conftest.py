"""Fixtures of the tests of what is deployed."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

pytest_plugins = ["mlops_common.testing.fixtures"]

TIMEOUT = 120
PLACEHOLDER = re.compile(r"\{\{ (\w+) \}\}")
Build: TypeAlias = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def k3s() -> Path:
    """The folder of the kustomizations."""
    return Path(__file__).parents[2] / "deploy/k3s"


@pytest.fixture(scope="session")
def build() -> Build:
    """Build a kustomization: its documents, in the order in which they are applied."""
    tools = {"kustomize": ["build"], "kubectl": ["kustomize"]}
    found = next((name for name in tools if shutil.which(name)), None)
    if found is None:
        pytest.skip("neither kustomize nor kubectl is installed")

    def run(folder: Path) -> list[dict[str, Any]]:
        done = subprocess.run(
            [found, *tools[found], str(folder)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    return run


@pytest.fixture
def secrets(k3s: Path, tmp_path: Path) -> Path:
    """The kustomization of the Secrets, with its examples in the place of real ones."""
    folder = tmp_path / "secrets"
    shutil.copytree(k3s / "secrets", folder)
    for example in folder.rglob("*.env.example"):
        shutil.copy(example, example.with_suffix(""))
    return folder


@pytest.fixture(scope="session")
def job(k3s: Path) -> dict[str, Any]:
    """The Job that the Kubernetes work pool makes of a run, by default."""
    file = k3s / "components/kubernetes-pool/base-job-template.json"
    template = json.loads(file.read_text("utf-8"))
    values = {
        name: variable.get("default")
        for name, variable in template["variables"]["properties"].items()
    }
    values |= {"name": "run", "command": ["prefect"]}
    values["env"] = [{"name": "DO_NOT_TRACK", "value": "1"}]
    values |= {"labels": {}, "annotations": {}}
    made = _filled(template["job_configuration"]["job_manifest"], values)
    # Prefect insists on these, which the API server drops.
    for key in ("parallelism", "completions"):
        del made["spec"]["template"]["spec"][key]
    result: dict[str, Any] = made
    return result


def _filled(node: Any, values: dict[str, Any]) -> Any:
    """Return a part of the template with its `{{ variables }}` replaced."""
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, values) for value in node]
    if not isinstance(node, str):
        return node
    whole = PLACEHOLDER.fullmatch(node)
    if whole:
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), node)
