"""A service whose requests are split between two versions, and what runs for it."""

import json
import os
import signal
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from mlops_common.refs import EndpointRef
from mlops_common.serving.local.records import Report, Status
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.testing.clients import Traffic, tensors, until
from mlops_common.testing.serving.services import SERVICE

MANY = 20
CLIENTS = 3


def status(serving: LocalServing) -> Status:
    """Return what the supervisor of the service last told."""
    found = ServiceFolder(serving.root / SERVICE).status()
    assert found is not None
    return found


def report(serving: LocalServing, which: str) -> Report:
    """Return how the `stable` version, the `canary` or the `router` is doing."""
    found = status(serving)
    if which == "router":
        assert found.router is not None
        return found.router
    desired = ServiceFolder(serving.root / SERVICE).desired()
    number = desired.serving if which == "stable" else desired.staged
    assert number is not None
    return found.revisions[number]


def kill(serving: LocalServing, which: str) -> None:
    """Kill a process, and wait until another one answers in its place."""
    before = report(serving, which)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: report(serving, which).starts > before.starts)
    until(lambda: report(serving, which).state == before.state)


def some(seen: Traffic) -> None:
    """Wait until each client sent some more requests."""
    until(lambda: len(seen.versions) == CLIENTS)
    sent = [len(found) + MANY for found in seen.versions]
    until(lambda: all(len(seen.versions[n]) > sent[n] for n in range(CLIENTS)))


def posted(endpoint: EndpointRef, body: bytes, **headers: str) -> tuple[Any, Any]:
    """Return the answer to a request, and its headers."""
    where = urlsplit(endpoint.infer_url)
    connection = HTTPConnection(where.netloc, timeout=60)
    connection.request("POST", where.path, body, headers)
    answer = connection.getresponse()
    found = json.load(answer)
    connection.close()
    return found, answer.headers


def about(customer: int | str, **extra: Any) -> dict[str, Any]:
    """Return a request about a customer; `extra` are fields of the request."""
    request = tensors(**extra)
    tensor = {"name": "customer_id", "shape": [1], "datatype": "BYTES"}
    request["inputs"].append({**tensor, "data": [customer]})
    return request
