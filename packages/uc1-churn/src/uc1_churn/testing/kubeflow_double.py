"""A double of the Kubeflow Pipelines API server, which cannot run without a cluster.

It speaks the part of the v2beta1 API that its clients use: experiments, runs with
filters and details, cancelling, logs, health. Faults can be planted: answers of 503,
cut connections, a token that expires, a restart.
"""

import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from uc1_churn.testing.kubeflow_run import ENDED, DoubleRun, Workload, execute

ROOT = "/apis/v2beta1/"
RUN = re.compile(ROOT + r"runs/(?P<id>[^/:]+)(?::(?P<verb>\w+))?")
LOG = re.compile(r"/apis/v1alpha1/runs/(?P<id>[^/]+)/nodes/(?P<pod>[^/]+)/log")
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13, 503: 14}
GRACE = 30.0  # seconds for the pods to end


class Refused(Exception):  # noqa: N818 - an answer of the server, no error of ours
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KubeflowDouble:
    """The server; use it as a context manager.

    Args:
        workload: Does the work of a run.
        token: That clients must show, if any.
        multi_user: Whether every experiment belongs to a namespace.

    Attributes:
        token: Set another one to let the old expire.
        failing: How many of the next requests are answered by 503.
        cutting: How many of the next connections are cut without an answer.
        losing: How many of the next submissions are done but not answered.
        together: Where set, submissions wait for each other at it.
        runs: Every run by id, in the order of their submission.
    """

    def __init__(
        self, workload: Workload, token: str | None = None, *, multi_user: bool = False
    ) -> None:
        self.token = token
        self.failing = self.cutting = self.losing = 0
        self.together: threading.Barrier | None = None
        self.runs: dict[str, DoubleRun] = {}
        self._workload = workload
        self._multi_user = multi_user
        self._experiments: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self.stop()
        for run in self.runs.values():
            run.cancelled.set()
        for thread in self._threads:
            thread.join(GRACE)

    @property
    def url(self) -> str:
        """Its URL, the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the API server; what was submitted before is still known."""
        server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        server.daemon_threads = True
        self._server, self._port = server, server.server_port
        serving = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        serving.start()

    def stop(self) -> None:
        """Stop the API server; the pods run on."""
        assert self._server is not None, "it does not run"
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    @contextmanager
    def unavailable(self) -> Iterator[None]:
        """Answer every request by 503 for the block."""
        self.failing = sys.maxsize
        try:
            yield
        finally:
            self.failing = 0

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have no API server for the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def answer(self, method: str, url: str, token: str, body: Mapping[str, Any]) -> Any:
        """Return the answer to a request: JSON, or the text of a log.

        Raises:
            Refused: It is no success.
            ConnectionAbortedError: There is to be no answer.
        """
        parts = urlsplit(url)
        with self._lock:
            self._fail()
        if self.token is not None and token != f"Bearer {self.token}":
            raise Refused(401, "Request header error: the token is missing or invalid")
        query = dict(parse_qsl(parts.query))
        if parts.path == f"{ROOT}healthz":
            return {"multi_user": self._multi_user}
        if parts.path == f"{ROOT}experiments":
            return self._answer_experiments(method, query, body)
        if parts.path == f"{ROOT}runs":
            return self._create(body) if method == "POST" else self._list(query)
        return self._answer_run(method, parts.path)

    def _fail(self) -> None:
        if self._server is None:
            # A connection that was open when the server stopped.
            raise ConnectionAbortedError
        if self.cutting > 0:
            self.cutting -= 1
            raise ConnectionAbortedError
        if self.failing > 0:
            self.failing -= 1
            raise Refused(503, "upstream connect error or disconnect/reset")

    def _answer_experiments(
        self, method: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> Any:
        place = str((body if method == "POST" else query).get("namespace") or "")
        if self._multi_user != bool(place):
            mode = "multi" if self._multi_user else "single"
            raise Refused(
                400, f"Invalid input error: namespace {place!r} in {mode}-user mode"
            )
        with self._lock:
            known = [e for e in self._experiments.values() if e["namespace"] == place]
            if method == "GET":
                return _page("experiments", _filtered(known, query))
            if any(e["display_name"] == body["display_name"] for e in known):
                raise Refused(409, "Already exist error: experiment")
            number = f"experiment-{len(self._experiments) + 1}"
            made = {"experiment_id": number, "namespace": place}
            self._experiments[number] = {**made, "display_name": body["display_name"]}
            return self._experiments[number]

    def _create(self, body: Mapping[str, Any]) -> Any:
        if body.get("experiment_id") not in self._experiments:
            raise Refused(404, f"Experiment {body.get('experiment_id')} not found")
        run = DoubleRun(body)
        inputs = run.document["pipeline_spec"]["root"]["inputDefinitions"]
        if run.parameters.keys() != inputs["parameters"].keys():
            raise Refused(400, f"Invalid input error: parameters {[*run.parameters]}")
        if self.together is not None:
            self.together.wait(GRACE)
        thread = threading.Thread(target=execute, args=(run, self._workload))
        with self._lock:
            self.runs[run.id] = run
            self._threads.append(thread)
            lost, self.losing = self.losing > 0, max(0, self.losing - 1)
        thread.start()
        if lost:
            raise ConnectionAbortedError
        return run.told()

    def _list(self, query: Mapping[str, str]) -> Any:
        with self._lock:
            runs = [run.told() for run in self.runs.values()]
        wanted = query.get("experiment_id")
        mine = [run for run in runs if wanted in (None, run["experiment_id"])]
        return _page("runs", _filtered(mine, query))

    def _answer_run(self, method: str, path: str) -> Any:
        found = RUN.fullmatch(path) or LOG.fullmatch(path)
        run = self.runs.get(found["id"]) if found else None
        if found is None or run is None:
            raise Refused(404, f"Run not found: {path}")
        if found.re is LOG:
            return _log(run, found["pod"])
        if found["verb"] == "terminate":
            if run.state in ENDED:
                raise Refused(400, "Failed to terminate a run: it is finished")
            run.state = "CANCELING"
            run.cancelled.set()
            return {}
        if method == "DELETE":
            del self.runs[run.id]
            return {}
        return run.told()


def _log(run: DoubleRun, pod: str) -> str:
    reason = run.waiting(pod)
    if reason:
        place = f'container "main" in pod "{pod}"'
        told = f"Failed to read logs: {place} is waiting to start: {reason}"
        raise Refused(500, told)
    return run.logs.get(pod, "")


def _filtered(
    found: list[dict[str, Any]], query: Mapping[str, str]
) -> list[dict[str, Any]]:
    predicates = json.loads(query.get("filter") or "{}").get("predicates", [])
    for predicate in predicates:
        assert predicate["operation"] == 1, "only equality is known here"
        key, value = predicate["key"], predicate["stringValue"]
        found = [entry for entry in found if entry[key] == value]
    return found


def _page(name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: found, "total_size": len(found)} if found else {}


def _handler(double: KubeflowDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            token = self.headers.get("Authorization", "")
            try:
                found = double.answer(self.command, self.path, token, body)
            except ConnectionAbortedError:
                self.close_connection = True
                return
            except Refused as refused:
                said = {"code": CODES[refused.status], "message": str(refused)}
                self.send(refused.status, said)
                return
            self.send(200, found)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def send(self, status: int, found: object) -> None:
            """Answer with JSON, or with plain text."""
            text = found if isinstance(found, str) else json.dumps(found)
            kind = "text/plain" if isinstance(found, str) else "application/json"
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
