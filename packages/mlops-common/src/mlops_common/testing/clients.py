"""Clients of a service for tests, which tell which version answered."""

import json
import math
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlops_common.refs import EndpointRef

TIMEOUT = 60.0


def tensors(age: float = 41, plan: str | None = "pro", **extra: Any) -> dict[str, Any]:
    """Return a V2 request for one row; `extra` are more fields of the request."""
    inputs = [
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [age]},
        {"name": "plan", "shape": [1], "datatype": "BYTES", "data": [plan]},
    ]
    return {"inputs": inputs, **extra}


def ask(url: str, body: Any = None) -> tuple[int, Any]:
    """Return the status and the JSON answer of a request; a POST if it has a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def version(endpoint: EndpointRef) -> int:
    """Return the version that answers at an endpoint."""
    status, answer = ask(endpoint.infer_url, tensors())
    assert status == HTTPStatus.OK, answer
    return int(answer["model_version"])


def silent(endpoint: EndpointRef) -> bool:
    """Whether nothing answers at an endpoint: no server, or none behind a gateway."""
    try:
        status, _ = ask(endpoint.infer_url, tensors())
    except OSError:
        return True
    return status == HTTPStatus.SERVICE_UNAVAILABLE


def answered(
    endpoint: EndpointRef, number: int, headers: Mapping[str, str] | None = None
) -> list[int]:
    """Return the versions that answer requests in a row over one connection."""
    where = urlsplit(endpoint.infer_url)
    body, found = json.dumps(tensors()), list[int]()
    with closing(HTTPConnection(where.netloc, timeout=TIMEOUT)) as connection:
        for _ in range(number):
            connection.request("POST", where.path, body, dict(headers or {}))
            found.append(int(json.load(connection.getresponse())["model_version"]))
    return found


def fits(count: int, total: int, percent: int) -> bool:
    """Whether a count is what a share of `percent` gives, by four standard errors."""
    share = percent / 100
    expected, error = total * share, math.sqrt(total * share * (1 - share))
    return abs(count - expected) <= 4 * error


@dataclass
class Traffic:
    """What clients saw.

    Attributes:
        versions: The versions that answered, in order, of each client.
        failures: Everything but an answer.
    """

    versions: list[list[int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@contextmanager
def traffic(endpoint: EndpointRef) -> Iterator[Traffic]:
    """Send requests until the block ends, over kept and over new connections."""
    seen = Traffic()
    end = threading.Event()
    clients = [
        threading.Thread(target=client, args=(endpoint, seen, end))
        for client in (_faithful, _faithful, _fickle)
    ]
    for client in clients:
        client.start()
    try:
        yield seen
    finally:
        end.set()
        for client in clients:
            client.join(TIMEOUT)


def _faithful(endpoint: EndpointRef, seen: Traffic, end: threading.Event) -> None:
    """Send requests over one connection, as long as the server keeps it."""
    where = urlsplit(endpoint.url)
    with closing(HTTPConnection(where.netloc, timeout=TIMEOUT)) as connection:
        _send(connection, endpoint, seen, end, after=lambda: None)


def _fickle(endpoint: EndpointRef, seen: Traffic, end: threading.Event) -> None:
    """Send each request over a new connection."""
    where = urlsplit(endpoint.url)
    connection = HTTPConnection(where.netloc, timeout=TIMEOUT)
    _send(connection, endpoint, seen, end, after=connection.close)


def _send(
    connection: HTTPConnection,
    endpoint: EndpointRef,
    seen: Traffic,
    end: threading.Event,
    after: Callable[[], None],
) -> None:
    versions: list[int] = []
    seen.versions.append(versions)
    path, body = urlsplit(endpoint.infer_url).path, json.dumps(tensors())
    while not end.wait(0.002):
        try:
            connection.request("POST", path, body)
            answer = json.load(connection.getresponse())
            if "model_version" in answer:
                versions.append(int(answer["model_version"]))
            else:
                seen.failures.append(str(answer))
        except (OSError, HTTPException, ValueError) as error:
            seen.failures.append(repr(error))
            connection.close()
        after()


def until(met: Callable[[], bool]) -> None:
    """Wait for a condition; fail if it is not met."""
    end = threading.Event()
    for _ in range(int(TIMEOUT / 0.02)):
        if met():
            return
        end.wait(0.02)
    pytest.fail("the condition was not met")
