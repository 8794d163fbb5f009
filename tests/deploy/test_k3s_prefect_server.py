"""What the Prefect server in the cluster keeps when its pod is replaced."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Resource = dict[str, Any]
Build = Callable[[Path], list[Resource]]

# Prints where a Prefect server with these variables keeps who holds a slot.
WHERE = """
from prefect.server.concurrency.lease_storage import get_concurrency_lease_storage
print(get_concurrency_lease_storage().storage_path)
"""


@pytest.fixture(scope="module")
def server(build: Build, k3s: Path) -> dict[str, Resource]:
    """The server's Deployment and its claim, by kind."""
    built = build(k3s / "overlays/prefect-server")
    return {
        one["kind"]: one for one in built if one["metadata"]["name"] == "prefect-server"
    }


def below(root: Path, path: str) -> Path:
    """Return where an absolute path would be if the root were another."""
    return root / path.removeprefix("/")


def test_the_holders_of_slots_are_kept_in_a_volume_that_outlives_the_pod(
    server: dict[str, Resource], tmp_path: Path
) -> None:
    pod = server["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {e["name"]: e["value"] for e in container["env"] if "value" in e}
    at = partial(below, tmp_path)
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    }

    said = subprocess.run(
        [sys.executable, "-c", WHERE],
        # Prefect makes its home, which is a folder of the pod.
        env={**variables, "PREFECT_HOME": str(at(variables["PREFECT_HOME"]))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    kept = Path(said.stdout.strip())
    (mount,) = (m for m in container["volumeMounts"] if m["name"] in claims)
    assert kept.is_relative_to(at(mount["mountPath"]))
    assert claims == {
        mount["name"]: server["PersistentVolumeClaim"]["metadata"]["name"]
    }


def test_no_two_servers_want_the_volume_at_once(server: dict[str, Resource]) -> None:
    claim, deployment = server["PersistentVolumeClaim"]["spec"], server["Deployment"]

    assert claim["accessModes"] == ["ReadWriteOnce"]
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
