"""Model servers of this machine: what they answer, log, and do when they are killed."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import yaml

from mlops_common.errors import BackendError, RefusedError
from mlops_common.postgres.database import Postgres
from mlops_common.processes import Identity, wait_until
from mlops_common.refs import EndpointRef
from mlops_common.serving.base import SPECS
from mlops_common.serving.local.records import Report
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.testing import predictors
from mlops_common.testing.clients import ask, tensors, version
from mlops_common.testing.serving import SERVICE, ServingContract, spec

SHARED = Path(
    os.environ.get("MLOPS_SHARED", Path(__file__).parents[4].parent / "shared")
)
DEPLOY_AND_DIE = """
import os, signal, sys
from pathlib import Path
from mlops_common.serving.base import SPECS
from mlops_common.serving.local.serving import LocalServing

serving = LocalServing(Path(sys.argv[1]), environment={"MLOPS_HOME": sys.argv[2]})
spec = SPECS.validate_json(sys.argv[3])
serving.stage(spec)
serving.promote(spec.name)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="class")
def promoted(
    serving: LocalServing, models: Path, environment: dict[str, str]
) -> EndpointRef:
    """The service, deployed by a process that was killed right after."""
    wanted = SPECS.dump_json(spec(models, 1)).decode()
    arguments = [str(serving.root), environment["MLOPS_HOME"], wanted]
    command = [sys.executable, "-c", DEPLOY_AND_DIE, *arguments]
    done = subprocess.run(command, check=False, timeout=200)
    assert done.returncode == -signal.SIGKILL
    return serving.endpoint(SERVICE)


def service(serving: LocalServing) -> ServiceFolder:
    return ServiceFolder(serving.root / SERVICE)


def front(serving: LocalServing) -> Report:
    """How the revision at the stable URL is doing."""
    status = service(serving).status()
    assert status is not None
    number = service(serving).desired().serving
    assert number is not None
    return status.revisions[number]


def logged(postgres: Postgres, request_id: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT model, model_version, entity, features, probability "
        "FROM serving.predictions WHERE service = %s AND request_id = %s"
    )
    with postgres.connect("mlops") as connection:
        return connection.execute(query, (SERVICE, request_id)).fetchall()


class TestLocalServing(ServingContract):
    def test_answers_on_loopback_only(
        self, serving: LocalServing, promoted: EndpointRef
    ) -> None:
        supervisor = service(serving).supervisor.identity()
        server = front(serving).pid
        assert supervisor is not None
        listening = [
            connection.laddr
            for pid in (supervisor.pid, server)
            for connection in psutil.Process(pid).connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]

        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert urlsplit(promoted.url).port in {address.port for address in listening}

    @pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2"])
    def test_tells_its_health(self, promoted: EndpointRef, path: str) -> None:
        assert ask(promoted.url + path)[0] == 200

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"inputs": tensors()["inputs"][:1]}, "column 'plan' is missing"),
            (tensors(age=float("nan")), "column 'age' takes finite numbers, found nan"),
            (tensors(plan=None, age=True), "column 'age' takes numbers"),
            ("text", "the request must be an object"),
        ],
    )
    def test_a_bad_request_is_the_clients_fault(
        self, promoted: EndpointRef, change: Any, message: str
    ) -> None:
        status, answer = ask(promoted.infer_url, change)

        assert status == 400
        assert message in answer["error"]

    def test_a_bad_v1_request_is_the_clients_fault(self, promoted: EndpointRef) -> None:
        url = f"{promoted.url}/v1/models/{SERVICE}:predict"

        assert ask(url, {"instances": [{"age": 1}]}) == (
            400,
            {"error": "column 'plan' is missing in row 1"},
        )
        assert ask(url, {"instances": [{"age": float("inf"), "plan": ""}]})[0] == 400

    def test_both_protocols_give_the_same_probabilities(
        self, promoted: EndpointRef
    ) -> None:
        _, open_inference = ask(promoted.infer_url, tensors(41, "pro"))
        url = f"{promoted.url}/v1/models/{SERVICE}:predict"
        _, first = ask(url, {"instances": [{"age": 41, "plan": "pro"}, [None, None]]})
        _, rows = ask(url, {"instances": [[41, "pro"], [None, None]]})

        assert rows["predictions"][0] == open_inference["outputs"][0]["data"][0]
        assert len(rows["predictions"]) == 2
        assert rows["model_version"] == open_inference["model_version"]
        assert "row 2 must be an object" in first["error"]

    def test_a_version_can_be_asked_for(self, promoted: EndpointRef) -> None:
        path = f"{promoted.url}/v2/models/{SERVICE}/versions"
        now = version(promoted)

        assert ask(f"{path}/{now}/ready")[0] == 200
        assert ask(f"{path}/{now}/infer", tensors())[0] == 200
        assert ask(f"{path}/{now}")[1]["versions"] == [str(now)]
        assert ask(f"{path}/999/infer", tensors())[0] == 404
        assert ask(f"{promoted.url}/v2/models/other/infer", tensors())[0] == 404

    def test_answers_fit_the_protocols_schema(self, promoted: EndpointRef) -> None:
        jsonschema = pytest.importorskip("jsonschema")
        file = SHARED / "data/oip/open_inference_rest.yaml"
        if not file.exists():
            pytest.skip(f"needs the protocol's schema at {file}; set MLOPS_SHARED")
        document = yaml.safe_load(file.read_text("utf-8"))
        model = f"{promoted.url}/v2/models/{SERVICE}"
        answers = {
            "metadata_server_response": ask(f"{promoted.url}/v2"),
            "metadata_model_response": ask(model),
            "inference_response": ask(f"{model}/infer", tensors(id="r1")),
            "inference_error_response": ask(f"{model}/infer", {}),
        }

        for name, (_, answer) in answers.items():
            schema = {"$ref": f"#/components/schemas/{name}", **document}
            jsonschema.validate(answer, schema)
        assert answers["inference_response"][1]["id"] == "r1"
        assert answers["metadata_model_response"][1]["inputs"] == [
            {"name": "age", "datatype": "FP64", "shape": [-1]},
            {"name": "plan", "datatype": "BYTES", "shape": [-1]},
        ]

    def test_what_was_answered_is_logged(
        self, serving: LocalServing, promoted: EndpointRef, postgres: Postgres
    ) -> None:
        request = tensors(41, "pro", id="logged")
        customer = {"name": "customer_id", "shape": [1], "datatype": "INT64"}
        request["inputs"].append({**customer, "data": [7]})
        _, answer = ask(promoted.infer_url, request)
        assert wait_until(lambda: len(logged(postgres, "logged")) == 1, 20)

        now = serving.endpoint(SERVICE).model.version
        features = {"age": 41.0, "plan": "pro"}
        probability = answer["outputs"][0]["data"][0]
        assert logged(postgres, "logged") == [
            ("score", now, "7", features, probability)
        ]

    def test_metrics_count_what_was_logged(self, promoted: EndpointRef) -> None:
        host = urlsplit(promoted.url).netloc.split(":")
        with socket.create_connection((host[0], int(host[1]))) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()

        assert f'mlops_predictions_dropped_total{{service="{SERVICE}"}} 0.0' in text
        assert f'request_predict_seconds_count{{model_name="{SERVICE}"}}' in text

    def test_a_killed_model_server_is_replaced(
        self, serving: LocalServing, promoted: EndpointRef
    ) -> None:
        number, before = version(promoted), front(serving)
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)

        # The connection waits for the next server; it is not refused.
        assert version(promoted) == number
        after = front(serving)
        assert after.pid != before.pid
        assert after.starts == before.starts + 1
        assert serving.status(SERVICE).restarts == after.starts - 1

    def test_nothing_that_was_answered_is_lost_at_sigterm(
        self, serving: LocalServing, promoted: EndpointRef, postgres: Postgres
    ) -> None:
        pid = front(serving).pid
        assert pid is not None
        for number in range(50):
            assert ask(promoted.infer_url, tensors(number, id="terminated"))[0] == 200
        server = Identity.of(pid)
        os.kill(pid, signal.SIGTERM)
        assert wait_until(lambda: not server.alive(), 60)

        assert len(logged(postgres, "terminated")) == 50

    def test_a_killed_supervisor_leaves_no_orphan_and_is_replaced(
        self, serving: LocalServing, promoted: EndpointRef
    ) -> None:
        serving.endpoint(SERVICE)
        pid = front(serving).pid
        supervisor = service(serving).supervisor.identity()
        assert pid is not None
        assert supervisor is not None
        server = Identity.of(pid)
        os.kill(supervisor.pid, signal.SIGKILL)

        assert wait_until(lambda: not server.alive(), 60)
        assert serving.status(SERVICE).problem == "it is stopped"
        assert serving.endpoint(SERVICE).url == promoted.url
        assert ask(promoted.infer_url, tensors())[0] == 200

    def test_of_two_deploys_at_once_one_wins(
        self, serving: LocalServing, models: Path, environment: dict[str, str]
    ) -> None:
        serving.endpoint(SERVICE)
        rivals = [LocalServing(serving.root, environment=environment) for _ in range(2)]
        specs = [spec(models, 60), spec(models, 61)]

        def deploy(number: int) -> EndpointRef | RefusedError:
            try:
                return rivals[number].stage(specs[number])
            except RefusedError as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(deploy, range(2)))
        refused = [item for item in found if isinstance(item, RefusedError)]
        staged = [item for item in found if isinstance(item, EndpointRef)]

        assert len(refused) == len(staged) == 1
        assert "another deploy of service 'scores' is going on" in str(refused[0])
        assert version(staged[0]) == staged[0].model.version
        serving.discard(SERVICE)

    def test_a_model_that_keeps_crashing_is_given_up_until_it_is_repaired(
        self, serving: LocalServing, promoted: EndpointRef
    ) -> None:
        model = serving.endpoint(SERVICE).model
        file = Path(urlsplit(model.uri).path) / predictors.FILE
        good = file.read_text("utf-8")
        file.write_text("{}", "utf-8")
        pid = front(serving).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

        assert wait_until(lambda: front(serving).state == "failed", 60)
        assert "it failed" in serving.status(SERVICE).problem
        with pytest.raises(OSError, match="refused"):
            ask(promoted.infer_url, tensors())
        with pytest.raises(BackendError, match=r"(?s)given up.*were altered"):
            serving.endpoint(SERVICE)

        file.write_text(good, "utf-8")
        assert serving.endpoint(SERVICE).url == promoted.url
        assert version(promoted) == model.version


def test_nothing_that_was_answered_is_lost_at_a_stop(
    serving: LocalServing, models: Path, postgres: Postgres
) -> None:
    staged = serving.stage(spec(models, 9))
    for number in range(50):
        assert ask(staged.infer_url, tensors(number, id="stopped"))[0] == 200

    serving.stop(SERVICE)

    assert len(logged(postgres, "stopped")) == 50
