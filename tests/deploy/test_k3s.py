"""The kustomizations build what fits Kubernetes' schemas."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_common.testing.kubernetes.resources import documents

ROOT = Path(__file__).parents[2]
K3S = ROOT / "deploy/k3s"
BUILT = ("base", "overlays/prefect-server", "overlays/kubernetes-pool")
PLAIN = [
    file
    for file in sorted(K3S.rglob("*.yaml"))
    if file.name
    not in {"kustomization.yaml", "config.yaml", "without-process-worker.yaml"}
]

Resource = dict[str, Any]
Build = Callable[[Path], list[Resource]]
Check = Callable[[Resource], None]


def named(path: Path) -> str:
    return path.relative_to(K3S).as_posix()


@pytest.mark.parametrize("file", PLAIN, ids=named)
def test_a_file_holds_one_resource_and_is_named_by_its_kind(file: Path) -> None:
    (resource,) = documents(file)

    assert resource["kind"].lower() == file.stem


@pytest.mark.parametrize("file", PLAIN, ids=named)
def test_a_file_fits_the_schema_of_its_kind(file: Path, check: Check) -> None:
    for resource in documents(file):
        check(resource)


@pytest.mark.parametrize("folder", BUILT)
def test_a_kustomization_builds_what_fits_the_schemas(
    folder: str, build: Build, check: Check
) -> None:
    for resource in build(K3S / folder):
        check(resource)


def test_an_unknown_field_does_not_fit(check: Check) -> None:
    (worker,) = documents(K3S / "base/worker/deployment.yaml")
    pod = worker["spec"]["template"]["spec"]
    pod["containers"][0]["imagePullPolice"] = "Always"

    with pytest.raises(AssertionError, match="imagePullPolice"):
        check(worker)


def test_the_job_of_a_run_fits_the_schema(job: Resource, check: Check) -> None:
    check(job)


def test_every_overlay_is_built_by_a_test() -> None:
    overlays = {named(file.parent) for file in K3S.glob("overlays/*/*.yaml")}

    assert overlays == {name for name in BUILT if name != "base"}


def test_no_role_reads_secrets_or_uses_a_wildcard() -> None:
    roles = [file for file in PLAIN if file.name in {"role.yaml", "clusterrole.yaml"}]
    rules = [rule for file in roles for rule in documents(file)[0]["rules"]]

    assert rules
    for rule in rules:
        assert "secrets" not in rule["resources"]
        assert not any("*" in values for values in rule.values())


def test_the_overlay_of_the_readme_builds(build: Build, tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```yaml\n(.*?)```", (K3S / "README.md").read_text("utf-8"), re.DOTALL
    )
    shutil.copytree(K3S, tmp_path / "k3s")
    overlay = tmp_path / "k3s/overlays/own"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(example, "utf-8")
    (overlay / "config.yaml").write_text("environment: own\n", "utf-8")

    built = {(one["kind"], one["metadata"]["name"]): one for one in build(overlay)}

    pod = built["Deployment", "worker"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example/uc1-churn:0.1.0"
    settings = built["ConfigMap", "mlops-config"]["data"]
    assert settings == {"config.yaml": "environment: own\n"}


def test_the_readme_names_paths_that_exist() -> None:
    text = (K3S / "README.md").read_text("utf-8")

    paths = set(re.findall(r"(?:deploy|packages)/[\w./-]*\w", text))
    assert paths
    for path in paths:
        file = ROOT / path
        # An env file is made of its example.
        assert file.exists() or file.with_name(f"{file.name}.example").exists(), path


def test_the_image_is_built_from_no_address_of_its_own() -> None:
    assert "://" not in (K3S / "Dockerfile").read_text("utf-8")


def test_the_image_holds_every_use_case_whose_runs_its_worker_may_be_given() -> None:
    text = (K3S / "README.md").read_text("utf-8")
    deploying = {path.parent.name for path in ROOT.glob("packages/*/prefect.yaml")}

    (built,) = re.findall(r'--build-arg PACKAGES="([^"]*)"', text)
    (registered,) = re.findall(r"nox -s (deploy-[\w -]*)`", text)

    assert set(built.split()) == deploying
    sessions = {f"deploy-{name.partition('-')[0]}" for name in deploying}
    assert set(registered.split()) == sessions
