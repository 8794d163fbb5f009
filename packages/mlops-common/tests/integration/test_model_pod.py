import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops_common.ports import free_port
from mlops_common.postgres.database import Postgres
from mlops_common.processes import wait_until
from mlops_common.refs import EndpointRef
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.kserve.manifest import Target, manifests
from mlops_common.serving.kserve.rollout import Rollout, Version
from mlops_common.serving.prediction_log import DATABASE
from mlops_common.testing import predictors
from mlops_common.testing.clients import ask, tensors, version
from mlops_common.testing.external_postgres import external_postgres, variables
from mlops_common.testing.serving import spec

PATIENT = 120.0


@pytest.fixture
def wanted(tmp_path: Path) -> ServiceSpec:
    return spec(tmp_path / "bucket", 7)


def command(models: Path, port: int) -> list[str]:
    """Return the command of the runtime's container, for this machine."""
    file = resources.files("mlops_common.serving") / "manifests/serving_runtime.yaml"
    container = yaml.safe_load(file.read_text("utf-8"))["spec"]["containers"][0]
    changes = {"--models": models, "--port": port, "--host": "127.0.0.1"}
    given = [argument.partition("=")[0] for argument in container["args"]]
    assert sorted(given) == sorted(changes)
    arguments = [f"{name}={value}" for name, value in changes.items()]
    return [sys.executable, *container["command"][1:], *arguments]


def environment(wanted: ServiceSpec, home: Path, **more: str) -> dict[str, str]:
    """Return what the pod is told by the service's manifest."""
    model = wanted.model.model_copy(update={"uri": "s3://bucket/score/7"})
    rollout = Rollout(Version("v7-abc", replace(wanted, model=model)))
    service = manifests(rollout, Target(wanted.name, "models", "canary"))[0]
    env = service["spec"]["predictor"]["model"]["env"]
    told = {variable["name"]: variable["value"] for variable in env}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLOPS_")}
    return {**kept, **told, "MLOPS_HOME": str(home), **more}


@contextmanager
def pod(
    wanted: ServiceSpec, models: Path, home: Path, **more: str
) -> Iterator[EndpointRef]:
    """Run the model server of a pod until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        command(models, port), env=environment(wanted, home, **more)
    )
    endpoint = EndpointRef(
        name=wanted.name, url=f"http://127.0.0.1:{port}", model=wanted.model
    )
    try:
        assert wait_until(
            lambda: process.poll() is not None or _ready(endpoint), PATIENT
        )
        yield endpoint
    finally:
        process.terminate()
        assert process.wait(PATIENT) == 0


def test_a_pod_answers_with_the_model_that_was_fetched(
    wanted: ServiceSpec, tmp_path: Path
) -> None:
    models = (tmp_path / "bucket" / "7").rename(tmp_path / "models")

    with pod(wanted, models, tmp_path) as endpoint:
        assert version(endpoint) == 7
        status, answer = ask(f"{endpoint.url}/v2/models/{wanted.name}")

    assert status == HTTPStatus.OK
    assert answer["versions"] == ["7"]
    assert not (tmp_path / "postgres").exists()


def test_a_pod_logs_its_predictions_where_a_database_is_named(
    wanted: ServiceSpec, tmp_path: Path
) -> None:
    with external_postgres() as settings:
        models = tmp_path / "bucket" / "7"
        with pod(wanted, models, tmp_path, **variables(settings)) as endpoint:
            for _ in range(3):
                ask(endpoint.infer_url, tensors())

        with closing(Postgres(settings, None).connect(DATABASE)) as connection:
            count: Any = connection.execute("SELECT count(*) FROM serving.predictions")
            assert count.fetchone() == (3,)


def test_a_pod_refuses_altered_bytes_with_its_last_words(
    wanted: ServiceSpec, tmp_path: Path
) -> None:
    models = predictors.save(tmp_path / "bucket" / "7", bias=0)

    done = subprocess.run(
        command(models, free_port()),
        env=environment(wanted, tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENT,
    )

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "ContractError" in last
    assert "were altered" in last


def _ready(endpoint: EndpointRef) -> bool:
    try:
        return ask(f"{endpoint.url}/v2/health/ready")[0] == HTTPStatus.OK
    except OSError:
        return False
