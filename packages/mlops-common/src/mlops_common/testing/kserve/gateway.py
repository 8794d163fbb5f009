"""Where requests enter: a double of a cluster's gateway, which splits by weight."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mlops_common.processes import LOOPBACK
from mlops_common.testing.kserve.kubelet import Kubelet
from mlops_common.testing.kserve.standard import deployment_name
from mlops_common.testing.kserve.workloads import Resource
from mlops_common.testing.kubernetes import Cluster, RequestError

SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices/{}"
STOP = "serving.kserve.io/stop"
ALL = 100
TRIES = 20  # of a request whose pod ended meanwhile
TIMEOUT = 60.0
PASSED = ("Content-Type", "X-Model-Version")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pod answered."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def gateway(cluster: Cluster, kubelet: Kubelet) -> Iterator[str]:
    """Answer requests to services until the block ends.

    Args:
        cluster: Knows the services and their splits.
        kubelet: Runs their pods.

    Yields:
        The value of `kserve.url`: each Kubernetes Service is `/NAMESPACE/NAME` of a
        server on loopback.
    """
    server = ThreadingHTTPServer((LOOPBACK, 0), _handler(cluster, kubelet))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/{{namespace}}/{{name}}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shares(service: Resource) -> dict[str, int]:
    """Return the percentage of each Deployment behind a service."""
    if service["metadata"].get("annotations", {}).get(STOP) == "true":
        return {}
    spec, told = service["spec"], (service.get("status") or {}).get("canaryStatuses")
    ready = {canary["name"] for canary in told or [] if canary["ready"]}
    found = {
        deployment_name(service, canary["predictor"]): int(canary["trafficPercent"])
        for canary in spec.get("canary") or []
        if canary["predictor"]["name"] in ready
    }
    stable = deployment_name(service, spec["predictor"])
    return {stable: ALL - sum(found.values()), **found}


def _port(cluster: Cluster, kubelet: Kubelet, namespace: str, name: str) -> int | None:
    """Return where a pod behind a Kubernetes Service answers."""
    port = kubelet.port(name)
    if port is not None:
        return port
    try:
        service = cluster.get(SERVICES.format(namespace, name))
    except (OSError, RequestError):
        return None
    weights = shares(service) if service is not None else {}
    if not weights:
        return None
    chosen = random.choices(list(weights), list(weights.values()))  # noqa: S311
    return kubelet.port(chosen[0])


def _asked(port: int, method: str, path: str, body: bytes) -> Answer:
    connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        headers = {k: v for k, v in answer.headers.items() if k.title() in PASSED}
        return Answer(answer.status, headers, answer.read())
    finally:
        connection.close()


def _handler(cluster: Cluster, kubelet: Kubelet) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # In one piece: half an answer would wait for its acknowledgement.
        wbufsize = -1

        def forward(self) -> Answer:
            """Return a pod's answer; another pod is asked where one ended."""
            _, namespace, name, path = self.path.split("/", 3)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            for _ in range(TRIES):
                port = _port(cluster, kubelet, namespace, name)
                if port is None:
                    break
                try:
                    return _asked(port, self.command, f"/{path}", body)
                except (OSError, HTTPException):
                    continue
            told = {"error": f"no pod answers for {name} in {namespace}"}
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return Answer(status, {}, json.dumps(told).encode())

        def answer(self) -> None:
            """Answer a request."""
            found = self.forward()
            self.send_response(found.status)
            for key, value in found.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Write no log."""

    return Handler
