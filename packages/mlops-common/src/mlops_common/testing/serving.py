"""The contract of serving: inherit, provide the fixtures, and it runs."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlops_common.errors import BackendError, ContractError, NotFoundError
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.serving.artifact import folder_digest
from mlops_common.serving.base import ServiceSpec, Serving
from mlops_common.testing import predictors

SERVICE = "scores"
TIMEOUT = 60.0
LOADER = "mlops_common.testing.predictors:load"
STAGED, NEXT, ALTERED, FAILING = 20, 30, 40, 50  # versions
MANY = 20  # requests
BROKEN = "mlops_common.testing.predictors:fail"


def spec(
    folder: Path, version: int, *, predictor: str = LOADER, **fields: Any
) -> ServiceSpec:
    """Return a service of a model in `folder`, which is written when absent.

    Args:
        folder: Where models lie.
        version: Version of the model; also its bias, so that versions differ.
        predictor: What loads it.
        fields: Fields of the score, see `mlops_common.testing.predictors`.
    """
    path = folder / str(version)
    if not path.exists():
        predictors.save(path, bias=version, **fields)
    model = ModelRef(
        name="score",
        version=version,
        run_id="run",
        uri=path.resolve().as_uri(),
        digest=folder_digest(path),
    )
    return ServiceSpec(SERVICE, model, predictor, entity="customer_id")


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
            versions.append(int(json.load(connection.getresponse())["model_version"]))
        except (OSError, HTTPException, KeyError, ValueError) as error:
            seen.failures.append(repr(error))
        after()


class ServingContract:
    """What every implementation of `Serving` does.

    A subclass gives three fixtures of class scope: `serving`; `models`, a folder for
    models; and `promoted`, which deploys version 1 of the service `scores`.
    """

    def test_knows_no_service_that_was_never_promoted(self, serving: Serving) -> None:
        """Asking for an unknown service is a fact, not a failure."""
        with pytest.raises(NotFoundError, match="nobody"):
            serving.endpoint("nobody")
        with pytest.raises(NotFoundError, match="nobody"):
            serving.status("nobody")

        assert "nobody" not in serving.names()

    def test_a_promoted_version_answers_at_its_url(
        self, serving: Serving, promoted: EndpointRef
    ) -> None:
        """The endpoint that promote returned is the one that is asked for later."""
        endpoint = serving.endpoint(SERVICE)

        assert endpoint.url == promoted.url
        assert version(endpoint) == endpoint.model.version
        assert serving.names() == [SERVICE]
        assert serving.status(SERVICE).running

    @pytest.mark.usefixtures("promoted")
    def test_a_staged_version_has_no_traffic_and_can_be_discarded(
        self, serving: Serving, models: Path
    ) -> None:
        """Staging changes nothing for the clients of the stable URL."""
        before = version(serving.endpoint(SERVICE))
        staged = serving.stage(spec(models, STAGED))
        assert version(staged) == STAGED
        assert serving.status(SERVICE).staged == staged
        assert version(serving.endpoint(SERVICE)) == before

        serving.discard(SERVICE)

        with pytest.raises(OSError, match="refused"):
            ask(staged.infer_url, tensors())
        with pytest.raises(NotFoundError, match="nothing is staged"):
            serving.promote(SERVICE)
        assert version(serving.endpoint(SERVICE)) == before

    def test_promotion_drops_no_request(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """Clients move to the new version, at the same URL, without a failure."""
        before = version(promoted)
        serving.stage(spec(models, NEXT))

        with traffic(promoted) as seen:
            _until(lambda: all(len(found) > MANY for found in seen.versions))
            after = serving.promote(SERVICE)
            assert version(after) == NEXT
            _until(lambda: all(found[-1] == NEXT for found in seen.versions))

        assert after.url == promoted.url
        assert seen.failures == []
        for found in seen.versions:
            assert set(found) == {before, NEXT}

    def test_a_stopped_service_starts_again_at_its_url(
        self, serving: Serving, promoted: EndpointRef
    ) -> None:
        """Stopping ends processes; it forgets nothing."""
        before = version(promoted)

        serving.stop(SERVICE)

        assert not serving.status(SERVICE).running
        with pytest.raises(OSError, match="refused"):
            ask(promoted.infer_url, tensors())
        again = serving.endpoint(SERVICE)
        assert again.url == promoted.url
        assert version(again) == before

    @pytest.mark.usefixtures("promoted")
    def test_altered_bytes_are_not_served(self, serving: Serving, models: Path) -> None:
        """A model that is not the registered one is refused before it is loaded."""
        altered = spec(models, ALTERED)
        predictors.save(models / str(ALTERED), bias=0)

        with pytest.raises(ContractError, match="altered"):
            serving.stage(altered)

    def test_a_model_that_does_not_load_is_told_with_its_log(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """A failed deploy says why, and harms nothing."""
        before = version(promoted)

        with pytest.raises(BackendError, match="the pickle in 50 is broken"):
            serving.stage(spec(models, FAILING, predictor=BROKEN))

        assert version(serving.endpoint(SERVICE)) == before
        with pytest.raises(NotFoundError, match="nothing is staged"):
            serving.promote(SERVICE)


def _until(met: Callable[[], bool]) -> None:
    """Wait for a condition; fail if it is not met."""
    end = threading.Event()
    for _ in range(int(TIMEOUT / 0.02)):
        if met():
            return
        end.wait(0.02)
    pytest.fail("the condition was not met")
