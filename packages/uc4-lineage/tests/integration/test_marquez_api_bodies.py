"""Bodies of events over HTTP: large, compressed, or no JSON."""

import gzip
import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from uc4_lineage.marquez_api import bodies
from uc4_lineage.testing.events import run_event

POST = "/api/v1/lineage"
BATCH = "/api/v1/lineage/batch"
EVENTS = "/api/v1/events/lineage"
JSON = {"Content-Type": "application/json"}
PACKED = JSON | {"Content-Encoding": "gzip"}


def stored(client: TestClient) -> int:
    count: int = client.get(EVENTS).json()["totalCount"]
    return count


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"3", b'"event"', b"\xff", b'{"a": NaN}', b"[" * 100_000],
    ids=repr,
)
def test_what_is_no_event_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post(POST, content=body[:100_000], headers=JSON)

    assert answer.status_code in {400, 422}
    assert answer.json()["code"] == answer.status_code


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (b"NaN", "NaN is no number of JSON"),
        (b"nul", "expected JSON"),
        (b'"\xff"', "expected UTF-8"),
        (b"[" * 2_000 + b"]" * 2_000, "nested deeper"),
    ],
    ids=["nan", "typo", "bytes", "deep"],
)
def test_one_event_that_is_no_json_is_refused_alone(
    client: TestClient, place: bytes, reason: str
) -> None:
    half = json.dumps(run_event('half ] \\ "', at=1)).replace("half", "\\ud800", 1)
    wrong = json.dumps(run_event("wrong", facets={"f": {"v": 7.125}})).encode()
    sound = json.dumps(run_event("sound", at=2)).encode()
    batch = b",\n".join([half.encode(), wrong.replace(b"7.125", place), sound])

    answer = client.post(BATCH, content=b" [" + batch + b"] ", headers=JSON)

    assert answer.status_code == 200, answer.text
    (failed,) = answer.json()["failed_events"]
    assert failed["index"] == 1
    assert failed["reason"].startswith("$[1]")
    assert reason in failed["reason"]
    jobs = client.get("/api/v1/jobs").json()["jobs"]
    assert sorted(job["name"] for job in jobs) == ["sound", '\ufffd ] \\ "']


@pytest.mark.parametrize("sound", [True, False])
def test_of_many_wrong_events_the_first_are_told_and_the_others_counted(
    client: TestClient, *, sound: bool
) -> None:
    wrong = [{"eventTime": {"x" * 5_000: n}} for n in range(3_000)]
    events = [*wrong, run_event("load")] if sound else wrong

    answer = client.post(BATCH, json=events)

    told = answer.json()
    if sound:
        assert told["summary"]["failed"] == 3_000
        assert told["summary"]["successful"] == 1
    else:
        assert answer.status_code == 422
        assert told["message"].endswith("; and 2,900 more events are wrong")
    assert len(told["failed_events" if sound else "errors"]) == 100
    assert len(answer.content) < 100_000


def test_a_facet_of_ten_megabytes_is_stored(client: TestClient) -> None:
    plan = "x" * 10_000_000
    event = run_event("load", run="big", facets={"plan": {"text": plan}})

    assert client.post(POST, json=event).status_code == 201
    run = client.get(f"/api/v1/jobs/runs/{event['run']['runId']}").json()
    assert run["facets"]["plan"]["text"] == plan


def test_an_event_beyond_the_limit_is_refused(client: TestClient) -> None:
    event = run_event("load", facets={"plan": {"text": "x" * (17 << 20)}})

    answer = client.post(POST, json=event)

    assert answer.status_code == 413
    assert "16,777,216 bytes" in answer.json()["message"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_is_not_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, *, declared: bool
) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 1_000)
    body = b"[" + b" " * 2_000 + b"]"

    def chunks() -> Iterator[bytes]:
        yield body

    answer = client.post(POST, content=body if declared else chunks(), headers=JSON)

    assert answer.status_code == 413


def test_a_compressed_body_is_unpacked(client: TestClient) -> None:
    body = gzip.compress(json.dumps(run_event("load")).encode())

    answer = client.post(POST, content=body, headers=PACKED)

    assert answer.status_code == 201
    assert stored(client) == 1


def test_a_gzip_of_several_files_is_unpacked_as_one(client: TestClient) -> None:
    whole = json.dumps([run_event("load", at=at) for at in range(2)]).encode()
    body = gzip.compress(whole[:90]) + gzip.compress(whole[90:])

    assert client.post(POST, content=body, headers=PACKED).status_code == 201
    assert stored(client) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no gzip", 400),
        (gzip.compress(b"{}", mtime=0) + b"more", 400),
        (gzip.compress(b"{}", mtime=0)[:-5], 400),
        (gzip.compress(b" " * (65 << 20)), 413),  # 65 KiB that unpack to 65 MiB
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(
    client: TestClient, body: bytes, status: int
) -> None:
    answer = client.post(POST, content=body, headers=PACKED)

    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},  # what the form of another site can send
        {},
        JSON | {"Content-Encoding": "br"},
    ],
)
def test_a_body_of_another_kind_is_refused(
    client: TestClient, headers: dict[str, str]
) -> None:
    body = json.dumps(run_event("load")).encode()

    assert client.post(POST, content=body, headers=headers).status_code == 415
    assert stored(client) == 0
