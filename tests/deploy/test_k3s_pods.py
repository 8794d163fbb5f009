"""The pods are confined, of one image, and do what Prefect expects."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from mlops_common.config import load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/k3s/base/worker/config.yaml"
CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

Pod = dict[str, Any]


def test_every_pod_is_confined(pods: dict[str, Pod]) -> None:
    for pod in pods.values():
        (container,) = pod["containers"]
        assert container["securityContext"] == CONFINED
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        assert container["resources"]["limits"]["memory"]


def test_every_pod_that_stays_is_probed_at_a_port_that_it_has(
    pods: dict[str, Pod],
) -> None:
    for name in pods.keys() - {"run"}:
        (container,) = pods[name]["containers"]
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] in ports


def test_a_run_in_a_job_has_what_it_has_in_the_process_worker(
    pods: dict[str, Pod],
) -> None:
    ours, theirs = pods["worker"], pods["run"]

    for key in ("volumes", "securityContext", "serviceAccountName"):
        assert theirs[key] == ours[key]
    for key in ("volumeMounts", "resources", "image"):
        assert theirs["containers"][0][key] == ours["containers"][0][key]


def test_the_image_is_the_version_of_the_package(pods: dict[str, Pod]) -> None:
    project = tomllib.loads((ROOT / "packages/uc1-churn/pyproject.toml").read_text())
    image = f"uc1-churn:{project['project']['version']}"
    ours = [pod for name, pod in pods.items() if name != "dispatcher"]

    assert {pod["containers"][0]["image"] for pod in ours} == {image}
    assert load(CONFIG, {"MLOPS_HOME": "."}).settings.kubeflow.image == image


def test_every_worker_polls_the_pool_of_the_deployments(pods: dict[str, Pod]) -> None:
    prefect = yaml.safe_load((ROOT / "packages/uc1-churn/prefect.yaml").read_text())
    pools = {deployment["work_pool"]["name"] for deployment in prefect["deployments"]}

    for name in ("worker", "dispatcher"):
        words = pods[name]["containers"][0]["args"]
        assert {f"--pool={pool}" for pool in pools} <= {*words}


def test_the_worker_waits_for_the_processes_of_runs(pods: dict[str, Pod]) -> None:
    (container,) = pods["worker"]["containers"]
    command = container["lifecycle"]["preStop"]["exec"]["command"][-1]
    pattern = command.split('"')[1]

    # A run is `python -m prefect.engine`; the hook must not find itself.
    assert find_spec("prefect.engine")
    assert re.search(pattern, "python -m prefect.engine")
    assert not re.search(pattern, command)
