"""The shipped settings load, hold no secret, and get theirs by the right variables."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_common.config import RESERVED, SECRETS, load, variable

K3S = Path(__file__).parents[2] / "deploy/k3s"
CONFIG = K3S / "base/worker/config.yaml"
EXAMPLES = sorted(K3S.rglob("*.env.example"))

Pod = dict[str, Any]
Build = Callable[[Path], list[dict[str, Any]]]


def variables(file: Path) -> dict[str, str]:
    """Return what an env file sets, or shows in a comment how to."""
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", file.read_text("utf-8"), re.MULTILINE)
    return dict(lines)


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


def test_the_worker_gets_its_secrets_by_the_variables_of_the_settings(
    pods: dict[str, Pod],
) -> None:
    (container,) = pods["worker"]["containers"]
    given = {entry["name"]: entry for entry in container["env"]}

    ours = {name for name in given if not name.startswith("PREFECT_")}
    assert ours <= {variable(key) for key in SECRETS}
    for name, entry in given.items():
        assert entry["valueFrom"]["secretKeyRef"]["key"] == name


def test_the_settings_load_with_every_variable_of_the_worker(
    pods: dict[str, Pod],
) -> None:
    (container,) = pods["worker"]["containers"]
    environ = variables(K3S / "base/worker/variables.env")
    environ |= {entry["name"]: "hunter2" for entry in container["env"]}
    # There is no such server in the shipped settings.
    del environ[variable("feast.redis.password")]

    loaded = load(CONFIG, environ)

    assert loaded.settings.minio.secret("secret_key") == "hunter2"
    assert str(loaded.settings.home) == environ[variable("home")]


def test_the_plain_variables_name_what_is_mounted(pods: dict[str, Pod]) -> None:
    environ = variables(K3S / "base/worker/variables.env")
    (container,) = pods["worker"]["containers"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}

    ours = {name for name in environ if name.startswith("MLOPS_")}
    assert ours <= {*RESERVED, variable("home")}
    assert environ["MLOPS_CONFIG"] == "/etc/mlops/config.yaml"
    assert {"/etc/mlops", environ["MLOPS_HOME"], environ["HOME"]} <= mounts


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.name)
def test_an_example_of_secrets_holds_none(example: Path) -> None:
    plain = {variable("postgres.host")}
    for name in variables(example).keys() - plain:
        value = variables(example)[name]
        assert value == "" or "USER:PASSWORD" in value, name


def test_every_secret_that_a_pod_needs_has_an_example(
    secrets: Path, build: Build, pods: dict[str, Pod]
) -> None:
    made = [*build(secrets), *build(secrets / "prefect-server")]
    known = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in made}
    shown = {name for example in EXAMPLES for name in variables(example)}

    for secret, key, optional in secret_keys(pods.values()):
        assert ("mlops", secret) in known
        assert key in (shown if optional else known["mlops", secret]["data"])


def secret_keys(found: Iterable[Pod]) -> Iterator[tuple[str, str, bool]]:
    for pod in found:
        for container in pod["containers"]:
            for entry in container["env"]:
                ref = entry.get("valueFrom", {}).get("secretKeyRef")
                if ref:
                    yield ref["name"], ref["key"], ref.get("optional", False)


def test_the_examples_name_variables_of_the_settings() -> None:
    names = variables(K3S / "secrets/platform.env.example")

    assert {*names} <= {variable(key) for key in SECRETS}


def test_a_model_server_gets_the_address_and_the_account_of_its_database() -> None:
    names = variables(K3S / "secrets/serving.env.example")
    environ = dict.fromkeys(names, "given") | {"MLOPS_HOME": "."}
    loaded = load(CONFIG, environ)

    assert {*names} <= {variable(key) for key in loaded.origins}
    assert loaded.settings.postgres.external
    assert loaded.settings.postgres.secret() == "given"
