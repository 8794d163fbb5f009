"""Serving: one row through ours, prediction log included, and through bare kserve.

Both answer the same V2 request with the same LightGBM model, one keep-alive client at
a time, in turns.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from harness import at_most, report

from mlops_common.ports import free_port
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.processes import LOOPBACK, wait_until
from mlops_common.refs import ModelRef
from mlops_common.sections import PostgresSettings
from mlops_common.serving.artifact import folder_digest
from mlops_common.serving.base import ServiceSpec
from mlops_common.serving.local.serving import LocalServing
from mlops_common.testing.postgres import temporary_home

ROUNDS = 3
REQUESTS = 2_000  # of each kind in a round
TURN = 100  # requests before the other server's turn
COLUMNS = tuple(f"feature_{number}" for number in range(8))
NAME = "churn"
LIMIT = 1.2


class Boosted:
    """A LightGBM model as a predictor."""

    columns = COLUMNS

    def __init__(self, folder: Path) -> None:
        import lightgbm

        self._booster = lightgbm.Booster(model_file=str(folder / "model.txt"))

    def predict(self, rows: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """Return the probability of each row."""
        return self.score(np.array([rows[name] for name in COLUMNS]).T)

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return the probability of each row of an (n, 8) matrix."""
        return np.asarray(self._booster.predict(matrix, num_threads=1))


def load(folder: Path) -> Boosted:
    """Load the predictor; named in the specification of the service."""
    return Boosted(folder)


def train(folder: Path) -> None:
    """Write a model of 200 trees."""
    import lightgbm

    generator = np.random.default_rng(0)
    features = generator.normal(size=(5_000, len(COLUMNS)))
    labels = features.sum(axis=1) + generator.normal(size=5_000) > 0
    data = lightgbm.Dataset(features, labels, feature_name=list(COLUMNS))
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, data, num_boost_round=200)
    folder.mkdir(parents=True)
    booster.save_model(str(folder / "model.txt"))


def bare(folder: str, port: str) -> None:
    """Serve the model by kserve alone: its documented custom model, quiet."""
    del sys.argv[1:]
    from kserve import Model, ModelServer
    from kserve.constants.constants import FASTAPI_APP_IMPORT_STRING
    from kserve.protocol.rest.server import RESTServer
    from kserve.utils.utils import get_predict_input, get_predict_response

    class Custom(Model):  # type: ignore[misc]
        def predict(self, payload: Any, _headers: Any = None) -> Any:
            scores = predictor.score(get_predict_input(payload))
            return get_predict_response(payload, scores, self.name)

    predictor = load(Path(folder))
    model = Custom(NAME)
    model.load()
    server = ModelServer(enable_grpc=False, enable_latency_logging=False)
    server.register_model(model)
    plane, extension = server.dataplane, server.model_repository_extension
    rest = RESTServer(FASTAPI_APP_IMPORT_STRING, plane, extension, int(port))
    # What `ModelServer.start` does, but on loopback and without an access log.
    rest.config.host = LOOPBACK
    rest.config.access_log = False
    asyncio.run(rest.start())


class Client:
    """One keep-alive connection that sends one prepared request over and over."""

    def __init__(self, url: str, body: dict[str, Any]) -> None:
        where = urlsplit(f"{url}/v2/models/{NAME}/infer")
        text = json.dumps(body)
        head = (
            f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        self._request = (head + text).encode()
        self._socket = socket.create_connection((where.hostname, where.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> dict[str, Any]:
        """Send the request; return the answer."""
        self._socket.sendall(self._request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._socket.recv(1 << 16)
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(1 << 16)
        assert head.startswith(b"HTTP/1.1 200"), received
        answer: dict[str, Any] = json.loads(body)
        return answer

    def turn(self) -> list[float]:
        """Return the seconds of each request of one turn."""
        times = []
        for _ in range(TURN):
            start = time.perf_counter()
            self.ask()
            times.append(time.perf_counter() - start)
        return times


def matrix(row: Sequence[float]) -> dict[str, Any]:
    """Return the request for one row as one tensor."""
    shape = [1, len(row)]
    return {
        "id": "1",
        "inputs": [{"name": "x", "shape": shape, "datatype": "FP64", "data": [*row]}],
    }


def named(row: Sequence[float]) -> dict[str, Any]:
    """Return the request for one row as a tensor for each column."""
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in zip(COLUMNS, row, strict=True)
    ]
    return {"id": "1", "inputs": inputs}


@contextmanager
def reference(folder: Path) -> Iterator[str]:
    """Yield the URL of a bare kserve server."""
    port = free_port()
    command = [sys.executable, __file__, "bare", str(folder), str(port)]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "KSERVE_LOGLEVEL": "WARNING"}
    with subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL) as process:
        try:
            assert wait_until(lambda: listens(port), 120), "kserve did not start"
            yield f"http://{LOOPBACK}:{port}"
        finally:
            process.terminate()


def listens(port: int) -> bool:
    """Whether somebody listens at a port."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def specified(home: Path, folder: Path) -> tuple[ServiceSpec, dict[str, str]]:
    """Return the service of the model in `folder`, and its environment."""
    model = ModelRef(
        name=NAME,
        version=1,
        run_id="",
        uri=folder.as_uri(),
        digest=folder_digest(folder),
    )
    path = os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    )
    environment = {"MLOPS_HOME": str(home), "PYTHONPATH": path}
    return ServiceSpec(NAME, model, "uc1_serving:load"), environment


@contextmanager
def service(home: Path, folder: Path) -> Iterator[str]:
    """Yield the URL of our service."""
    spec, environment = specified(home, folder)
    serving = LocalServing(home / "serving", environment=environment)
    serving.stage(spec)
    try:
        yield serving.promote(NAME).url
    finally:
        serving.stop(NAME)


def measured(clients: Mapping[str, Client]) -> list[dict[str, float]]:
    """Return the median microseconds of each client, in each round."""
    rounds = []
    for _ in range(ROUNDS):
        times: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(REQUESTS // TURN):
            for name, client in clients.items():
                times[name] += client.turn()
        rounds.append({n: statistics.median(t) * 1e6 for n, t in times.items()})
    return rounds


def main() -> None:
    """Measure, report, and check that every prediction was logged."""
    row = [0.1 * number for number in range(len(COLUMNS))]
    with tempfile.TemporaryDirectory() as models, temporary_home() as home:
        folder = Path(models).resolve() / "1"
        train(folder)
        with reference(folder) as theirs, service(home, folder) as ours:
            clients = {
                "bare kserve": Client(theirs, matrix(row)),
                "ours": Client(ours, matrix(row)),
                "ours, a tensor for each column": Client(ours, named(row)),
            }
            answers = [
                client.ask()["outputs"][0]["data"] for client in clients.values()
            ]
            assert all(answer == answers[0] for answer in answers), answers
            rounds = measured(clients)
        with Postgres(PostgresSettings(), EmbeddedServer(home)).connect("mlops") as log:
            found = log.execute("SELECT count(*) FROM serving.predictions").fetchone()
    assert found == (2 * (ROUNDS * REQUESTS + 1),), found
    ratios = [figures["ours"] / figures["bare kserve"] for figures in rounds]
    claim = "V2 single-row request p50, prediction log included, over bare kserve"
    report(
        "uc1_serving",
        [at_most(claim, statistics.median(ratios), LIMIT)],
        {"p50 in microseconds, by round": rounds, "rows logged": found[0]},
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        bare(*sys.argv[2:])
    else:
        main()
