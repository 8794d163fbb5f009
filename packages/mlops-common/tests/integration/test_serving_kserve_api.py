import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from mlops_common.sections import KserveSettings
from mlops_common.serving.kserve import connection
from mlops_common.serving.kserve.api import Api, ConflictError

PATH = "/apis/x/v1/namespaces/models/things/one"


@contextmanager
def server(*answers: tuple[int, Any]) -> Iterator[tuple[Api, list[str]]]:
    """Yield a client of a server that gives answers in turn, the last for ever."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PATCH = do_DELETE = do_POST = answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{listener.server_port}"
        settings = KserveSettings(host=host, namespace="models")
        yield Api(connection.client(settings), patience=2), asked
        listener.shutdown()


def refusal(status: int, message: str, **details: Any) -> tuple[int, Any]:
    return status, {"kind": "Status", "message": message, "details": details}


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_is_overloaded_is_asked_again(status: int) -> None:
    busy = (status, "etcdserver: leader changed")

    with server(busy, busy, (200, {"kind": "Thing"})) as (api, asked):
        assert api.get(PATH) == {"kind": "Thing"}

    assert asked == [f"GET {PATH}"] * 3


def test_a_server_that_stays_overloaded_is_told() -> None:
    with (
        server((503, "no endpoints available")) as (api, asked),
        pytest.raises(BackendError, match="Service Unavailable"),
    ):
        api.get(PATH)

    assert len(asked) > 2


@pytest.mark.parametrize(
    ("status", "details", "kind"),
    [
        (401, {}, ConfigError),
        (403, {}, ConfigError),
        (404, {"name": "one"}, NotFoundError),
        (409, {"name": "one"}, ConflictError),
        (409, {"causes": [{"reason": "FieldManagerConflict"}]}, RefusedError),
        (400, {}, ContractError),
        (422, {}, ContractError),
    ],
)
def test_a_refusal_is_told_at_once_in_our_words(
    status: int, details: dict[str, Any], kind: type[MlopsError]
) -> None:
    with server(refusal(status, "because", **details)) as (api, asked):
        with pytest.raises(kind) as caught:
            api.get(PATH)

        assert type(caught.value) is kind
        assert len(asked) == 1


def test_what_a_webhook_refuses_is_a_policy() -> None:
    denied = refusal(400, 'admission webhook "policy" denied the request: no team')

    with (
        server(denied) as (api, _),
        pytest.raises(RefusedError, match="denied the request: no team"),
    ):
        api.apply(PATH, {})


def test_a_kind_that_is_not_known_yet_is_waited_for() -> None:
    starting = (404, "404 page not found")

    with server(starting, (200, {"items": []})) as (api, _):
        assert api.get(PATH) == {"items": []}
    with server(starting) as (api, asked):
        assert not api.serves("/apis/x/v1")
    assert len(asked) == 1


def test_a_field_that_the_schema_lacks_is_no_failure_of_the_server() -> None:
    message = "failed to create typed patch object (x): .spec.a: field not declared"

    with (
        server(refusal(500, message)) as (api, _),
        pytest.raises(ContractError, match="field not declared"),
    ):
        api.apply(PATH, {})
