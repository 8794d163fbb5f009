"""The kustomizations build, fit Kubernetes' schemas, and agree with the code."""

import gzip
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from mlops_common.config import RESERVED, SECRETS, load, variable
from mlops_common.testing.kubernetes.resources import documents
from mlops_common.testing.shared import shared

ROOT = Path(__file__).parents[2]
K3S = ROOT / "deploy/k3s"
BUILT = ("base", "overlays/prefect-server", "overlays/kubernetes-pool")
PLAIN = [
    file
    for file in sorted(K3S.rglob("*.yaml"))
    if file.name
    not in {"kustomization.yaml", "config.yaml", "without-process-worker.yaml"}
]
DEPLOYMENTS = [file for file in PLAIN if file.name == "deployment.yaml"]
WORKER = K3S / "base/worker/deployment.yaml"
CONFIG = K3S / "base/worker/config.yaml"
EXAMPLES = sorted(K3S.rglob("*.env.example"))

Resource = dict[str, Any]
Build = Callable[[Path], list[Resource]]
Check = Callable[[Resource], None]


def named(path: Path) -> str:
    return path.relative_to(K3S).as_posix()


def variables(file: Path) -> dict[str, str]:
    """Return what an env file sets, or shows in a comment how to."""
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", file.read_text("utf-8"), re.MULTILINE)
    return dict(lines)


def pod_of(resource: Resource) -> Resource:
    pod: Resource = resource["spec"]["template"]["spec"]
    return pod


def workloads(job: Resource) -> list[Resource]:
    return [job, *(document for file in DEPLOYMENTS for document in documents(file))]


@pytest.fixture(scope="session")
def check() -> Check:
    """Check a resource against the schema of its kind, in which nothing is unknown."""
    file = shared("data/gitops/jsonschema/kubernetes_swagger.json.gz")
    with gzip.open(file) as stream:
        definitions = json.load(stream)["definitions"]
    kinds = {}
    for name, schema in definitions.items():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        # Schemas know numbers as a kind of quantity, but not its strings.
        if name.endswith((".Quantity", ".IntOrString")):
            schema["type"] = ["string", "integer", "number"]
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            kinds[kind["group"], kind["version"], kind["kind"]] = name

    def fits(resource: Resource) -> None:
        group, _, version = resource["apiVersion"].rpartition("/")
        name = kinds[group, version, resource["kind"]]
        schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
        errors = Draft4Validator(schema).iter_errors(resource)
        told = [f"{error.json_path}: {error.message}" for error in errors]
        assert not told, f"{resource['kind']} {resource['metadata'].get('name')}"

    return fits


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
    (worker,) = documents(WORKER)
    pod_of(worker)["containers"][0]["imagePullPolice"] = "Always"

    with pytest.raises(AssertionError, match="imagePullPolice"):
        check(worker)


def test_the_job_of_a_run_fits_the_schema(job: Resource, check: Check) -> None:
    check(job)


def test_every_overlay_is_built_by_a_test() -> None:
    overlays = {named(file.parent) for file in K3S.glob("overlays/*/*.yaml")}

    assert overlays == {name for name in BUILT if name != "base"}


def test_every_system_of_the_shipped_settings_is_external() -> None:
    loaded = load(CONFIG, {"MLOPS_HOME": "/var/lib/mlops"})
    settings = loaded.settings

    sections = (settings.postgres, settings.minio, settings.mlflow, settings.kubeflow)
    assert all(section.external for section in sections)
    assert settings.kserve.external
    # Feast is on the PostgreSQL server, unless another is named.
    assert settings.feast.postgres is None
    assert settings.environment == "k3s"


def test_the_shipped_settings_hold_no_secret() -> None:
    loaded = load(CONFIG, {"MLOPS_HOME": "/var/lib/mlops"})

    assert not loaded.warnings()
    assert not {*loaded.origins} & {*SECRETS}


def test_the_worker_gets_its_secrets_by_the_variables_of_the_settings() -> None:
    (worker,) = documents(WORKER)
    (container,) = pod_of(worker)["containers"]
    given = {entry["name"]: entry for entry in container["env"]}

    ours = {name for name in given if not name.startswith("PREFECT_")}
    assert ours <= {variable(key) for key in SECRETS}
    for name, entry in given.items():
        assert entry["valueFrom"]["secretKeyRef"]["key"] == name


def test_the_settings_load_with_every_variable_of_the_worker() -> None:
    (worker,) = documents(WORKER)
    (container,) = pod_of(worker)["containers"]
    environ = variables(K3S / "base/worker/variables.env")
    environ |= {entry["name"]: "hunter2" for entry in container["env"]}
    # There is no such server in the shipped settings.
    del environ[variable("feast.redis.password")]

    loaded = load(CONFIG, environ)

    assert loaded.settings.minio.secret("secret_key") == "hunter2"
    assert str(loaded.settings.home) == environ[variable("home")]


def test_the_plain_variables_name_what_is_mounted() -> None:
    environ = variables(K3S / "base/worker/variables.env")
    (worker,) = documents(WORKER)
    (container,) = pod_of(worker)["containers"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}

    ours = {name for name in environ if name.startswith("MLOPS_")}
    assert ours <= {*RESERVED, variable("home")}
    assert environ["MLOPS_CONFIG"] == "/etc/mlops/config.yaml"
    assert {"/etc/mlops", environ["MLOPS_HOME"], environ["HOME"]} <= mounts


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_of_secrets_holds_none(example: Path) -> None:
    for name, value in variables(example).items():
        assert value == "" or "USER:PASSWORD" in value, name


def test_every_secret_that_a_pod_needs_has_an_example(
    secrets: Path, build: Build, job: Resource
) -> None:
    made = [*build(secrets), *build(secrets / "prefect-server")]
    known = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in made}
    shown = {name for example in EXAMPLES for name in variables(example)}

    for secret, key, optional in secret_keys(workloads(job)):
        assert ("mlops", secret) in known
        assert key in (shown if optional else known["mlops", secret]["data"])


def secret_keys(found: list[Resource]) -> Iterator[tuple[str, str, bool]]:
    for resource in found:
        for container in pod_of(resource)["containers"]:
            for entry in container["env"]:
                ref = entry.get("valueFrom", {}).get("secretKeyRef")
                if ref:
                    yield ref["name"], ref["key"], ref.get("optional", False)


def test_the_examples_name_variables_of_the_settings() -> None:
    names = variables(K3S / "secrets/platform.env.example")

    assert {*names} <= {variable(key) for key in SECRETS}


def test_every_pod_is_confined(job: Resource) -> None:
    for resource in workloads(job):
        pod = pod_of(resource)
        (container,) = pod["containers"]
        confined = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["securityContext"] == confined
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("file", DEPLOYMENTS, ids=named)
def test_every_deployment_is_probed_at_a_port_that_it_has(file: Path) -> None:
    (deployment,) = documents(file)
    (container,) = pod_of(deployment)["containers"]
    ports = {port["name"] for port in container["ports"]}

    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports


def test_a_run_in_a_job_has_what_it_has_in_the_process_worker(job: Resource) -> None:
    (worker,) = documents(WORKER)
    ours, theirs = pod_of(worker), pod_of(job)

    assert theirs["volumes"] == ours["volumes"]
    assert theirs["securityContext"] == ours["securityContext"]
    assert theirs["serviceAccountName"] == ours["serviceAccountName"]
    mounts = ("volumeMounts", "resources", "image")
    for key in mounts:
        assert theirs["containers"][0][key] == ours["containers"][0][key]


def test_no_role_reads_secrets_or_uses_a_wildcard() -> None:
    roles = [file for file in PLAIN if file.name in {"role.yaml", "clusterrole.yaml"}]
    rules = [rule for file in roles for rule in documents(file)[0]["rules"]]

    assert rules
    for rule in rules:
        assert "secrets" not in rule["resources"]
        assert not any("*" in values for values in rule.values())


def test_the_image_is_the_version_of_the_package(job: Resource) -> None:
    project = tomllib.loads((ROOT / "packages/uc1-churn/pyproject.toml").read_text())
    image = f"uc1-churn:{project['project']['version']}"
    ours = [
        document for document in workloads(job) if "dispatcher" not in str(document)
    ]

    assert {pod_of(one)["containers"][0]["image"] for one in ours} == {image}
    assert load(CONFIG, {"MLOPS_HOME": "."}).settings.kubeflow.image == image


def test_every_worker_polls_the_pool_of_the_deployments() -> None:
    prefect = yaml.safe_load((ROOT / "packages/uc1-churn/prefect.yaml").read_text())
    pools = {deployment["work_pool"]["name"] for deployment in prefect["deployments"]}
    commands = [
        pod_of(documents(file)[0])["containers"][0]["args"] for file in DEPLOYMENTS
    ]
    workers = [words for words in commands if "worker" in words]

    assert len(workers) == 2
    for words in workers:
        assert {f"--pool={pool}" for pool in pools} <= {*words}


def test_the_readme_names_paths_that_exist() -> None:
    text = (K3S / "README.md").read_text("utf-8")

    paths = set(re.findall(r"deploy/k3s/[\w./-]+", text))
    assert paths
    for path in paths:
        file = ROOT / path
        # An env file is made of its example.
        assert file.exists() or file.with_name(f"{file.name}.example").exists(), path


def test_the_image_is_built_from_no_address_of_its_own() -> None:
    assert "://" not in (K3S / "Dockerfile").read_text("utf-8")
