"""Fixtures of the tests of what is deployed."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from mlops_common.testing.kubernetes.resources import documents
from mlops_common.testing.shared import shared

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


@pytest.fixture(scope="session")
def pods(k3s: Path, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The pod of each Deployment by its name, and that of a `run` in a Job."""
    files = sorted(k3s.rglob("deployment.yaml"))
    found = [document for file in files for document in documents(file)]
    named = {one["metadata"]["name"]: one for one in found} | {"run": job}
    return {name: one["spec"]["template"]["spec"] for name, one in named.items()}


@pytest.fixture(scope="session")
def check() -> Callable[[dict[str, Any]], None]:
    """Check a resource against the schema of its kind, in which nothing is unknown."""
    file = shared("data/gitops/jsonschema/kubernetes_swagger.json.gz")
    with gzip.open(file) as stream:
        definitions = json.load(stream)["definitions"]
    kinds = {}
    for name, schema in definitions.items():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        # Typed as a string, but the server takes a number too.
        if name.endswith((".Quantity", ".IntOrString")):
            schema["type"] = ["string", "integer", "number"]
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            kinds[kind["group"], kind["version"], kind["kind"]] = name

    def fits(resource: dict[str, Any]) -> None:
        group, _, version = resource["apiVersion"].rpartition("/")
        name = kinds[group, version, resource["kind"]]
        schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
        errors = Draft4Validator(schema).iter_errors(resource)
        told = [f"{error.json_path}: {error.message}" for error in errors]
        assert not told, f"{resource['kind']} {resource['metadata'].get('name')}"

    return fits


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
