"""Events over HTTP: from any producer, one or many, sound or not."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from mlops_common.ports import free_port
from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings
from mlops_common.testing.shared import shared
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.events import dataset, job_event, run_event

POST = "/api/v1/lineage"
BATCH = "/api/v1/lineage/batch"
EVENTS = "/api/v1/events/lineage"
JSON = {"Content-Type": "application/json"}
DESIGNED = {"eventTime": "2026-01-01T00:00:00Z", "producer": "https://example.com"}


def stored(client: TestClient) -> int:
    count: int = client.get(EVENTS).json()["totalCount"]
    return count


def test_an_event_is_stored_before_it_is_answered(client: TestClient) -> None:
    answer = client.post(POST, json=run_event("load", ["orders"], ["revenue"]))

    assert (answer.status_code, answer.content) == (201, b"")
    job = client.get("/api/v1/namespaces/etl/jobs/load").json()
    assert [one["name"] for one in job["outputs"]] == ["revenue"]


@pytest.mark.parametrize(
    "event",
    [
        job_event("load", ["orders"], ["revenue"]),
        DESIGNED | {"dataset": dataset("orders", {"id": "int"})},
        run_event("load", facets={"ours_unknown": {"anything": [{}, None]}}),
        run_event("load") | {"eventTime": "2026-01-01T00:00:00.123456789"},
        {**run_event("load"), "eventType": None},
    ],
)
def test_any_kind_of_event_is_taken(client: TestClient, event: dict[str, Any]) -> None:
    assert client.post(POST, json=event).status_code == 201
    assert stored(client) == 1


def test_an_event_without_a_schema_is_taken_as_marquez_takes_it(
    client: TestClient,
) -> None:
    events = json.loads(
        shared("data/lineage/marquez_food_delivery/metadata.json").read_text()
    )
    assert all("schemaURL" not in event for event in events)

    assert {client.post(POST, json=event).status_code for event in events} == {201}
    assert stored(client) == 26


def test_a_duplicate_is_answered_like_the_first(client: TestClient) -> None:
    event = run_event("load", writes=["revenue"])

    assert [client.post(POST, json=event).status_code for _ in range(3)] == [201] * 3
    assert stored(client) == 1


@pytest.mark.parametrize("path", [POST, BATCH])
def test_a_batch_is_stored_and_counted(client: TestClient, path: str) -> None:
    answer = client.post(path, json=[run_event("load", at=at) for at in range(7)])

    assert answer.status_code == (201 if path == POST else 200)
    assert answer.json() == {
        "status": "success",
        "summary": {
            "received": 7,
            "successful": 7,
            "failed": 0,
            "retriable": 0,
            "non_retriable": 0,
        },
        "failed_events": [],
    }
    assert stored(client) == 7


def test_the_sound_events_of_a_batch_are_stored(client: TestClient) -> None:
    wrong = {**run_event("load", at=1), "run": {}}

    answer = client.post(BATCH, json=[run_event("load"), wrong, 3])

    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "partial_success"
    assert told["summary"]["failed"] == 2
    assert told["failed_events"] == [
        {"index": 1, "reason": "$[1].run.runId: is missing", "retriable": False},
        {
            "index": 2,
            "retriable": False,
            "reason": "$[2]: expected an object, found a number",
        },
    ]
    assert stored(client) == 1


def test_a_batch_without_a_sound_event_is_refused(client: TestClient) -> None:
    answer = client.post(BATCH, json=[{}, []])

    assert answer.status_code == 422
    assert [each["path"] for each in answer.json()["errors"]] == ["$[0]", "$[1]"]


def test_an_empty_batch_is_a_success(client: TestClient) -> None:
    assert client.post(BATCH, json=[]).json()["summary"]["received"] == 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"run": {"runId": "7"}}, "$.run.runId"),
        ({"eventTime": "soon"}, "$.eventTime"),
        ({"eventType": "DONE"}, "$.eventType"),
        ({"job": {"namespace": "etl"}}, "$.job.name"),
        ({"job": {"namespace": "etl", "name": ""}}, "$.job.name"),
        ({"inputs": [{"namespace": "db"}]}, "$.inputs[0].name"),
        ({"outputs": None, "producer": 3}, "$.producer"),
        ({"job": {"namespace": "n", "name": "x" * 2_600}}, "$.job"),
    ],
)
def test_a_malformed_event_is_refused_with_the_place(
    client: TestClient, change: dict[str, Any], path: str
) -> None:
    answer = client.post(POST, json=run_event("load") | change)

    assert answer.status_code == 422
    told = answer.json()
    assert told["code"] == 422
    assert [each["path"] for each in told["errors"]] == [path]
    assert told["message"].startswith(f"{path}: ")
    assert stored(client) == 0


def test_an_event_that_is_too_deep_is_refused(client: TestClient) -> None:
    value: Any = 1
    for _ in range(300):
        value = [value]
    event = run_event("load", facets={"deep": {"value": value}})

    assert client.post(POST, json=event).status_code == 422


def test_what_no_text_may_hold_is_replaced(client: TestClient) -> None:
    event = run_event("a\0b", writes=["c"])
    half = json.dumps(run_event("half", at=1)).replace('"half"', '"half \\ud800"')

    assert client.post(POST, json=event).status_code == 201
    assert client.post(POST, content=half, headers=JSON).status_code == 201
    jobs = client.get("/api/v1/jobs").json()["jobs"]
    assert sorted(job["name"] for job in jobs) == ["a\ufffdb", "half \ufffd"]


@pytest.mark.parametrize(
    "name",
    [
        "'; DROP TABLE lineage.events; --",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "s3://bucket/key?a=b#c",
        "100%_%%s %(x)s",
        "näme 🕷 \u202e",
        "a:b:c::d",
    ],
)
def test_a_hostile_name_is_data(client: TestClient, name: str) -> None:
    event = run_event(name, [dataset(name, {name: name}, namespace=name)], ["made"])
    event["job"]["namespace"] = name
    assert client.post(POST, json=event).status_code == 201

    found = client.get("/api/v1/jobs").json()["jobs"][0]
    assert (found["namespace"], found["name"]) == (name, name)
    graph = client.get(POST, params={"nodeId": f"job:{name}:{name}"}).json()["graph"]
    assert f"dataset:{name}:{name}" in {node["id"] for node in graph}
    hits = client.get("/api/v1/search", params={"q": name}).json()
    assert hits["totalCount"] == 2


def test_requests_at_once_are_all_stored(client: TestClient) -> None:
    events = [run_event(f"job_{n % 5}", ["a"], [f"b{n % 3}"], at=n) for n in range(120)]
    wrong = [{**run_event("wrong", at=n), "run": {}} for n in range(20)]

    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(lambda one: client.post(POST, json=one), events + wrong)
        )

    assert [answer.status_code for answer in answers] == [201] * 120 + [422] * 20
    assert stored(client) == 120


def test_nobody_pays_for_the_events_of_another(
    client: TestClient, store: LineageStore
) -> None:
    with store.connect() as connection:
        connection.execute(
            "ALTER TABLE lineage.events ADD CHECK (job_name <> 'poison')"
        )
    names = ["poison" if n == 7 else f"job_{n}" for n in range(30)]

    with ThreadPoolExecutor(15) as threads:
        answers = threads.map(
            lambda name: client.post(POST, json=run_event(name)), names
        )
        statuses = [answer.status_code for answer in answers]

    assert statuses == [503 if name == "poison" else 201 for name in names]


@pytest.fixture
def without_database() -> Iterator[TestClient]:
    """A client of the API while PostgreSQL is down."""
    settings = PostgresSettings(host="127.0.0.1", port=free_port())
    store = LineageStore(Postgres(settings, None))
    with TestClient(application(store)) as client:
        yield client


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (run_event("load") | {"eventTime": "yesterday"}, "$.eventTime"),
        (run_event("load") | {"job": {"namespace": "etl"}}, "$.job.name"),
        (run_event("l" * 3_000), "$.job"),
        ([run_event("load") | {"producer": 1}], "$[0].producer"),
    ],
)
def test_what_is_wrong_with_an_event_is_told_while_postgresql_is_down(
    without_database: TestClient, event: object, path: str
) -> None:
    answer = without_database.post(POST, json=event)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path


def test_a_sound_event_may_come_again_when_postgresql_is_back(
    without_database: TestClient,
) -> None:
    assert without_database.post(POST, json=run_event("load")).status_code == 503


def test_the_events_are_listed_by_their_times(client: TestClient) -> None:
    client.post(POST, json=[run_event("load", at=at) for at in (3, 1, 2)])
    period = {"after": "2026-01-01T00:01:00Z", "before": "2026-01-01T00:03:00Z"}

    def minutes(**query: str) -> list[str]:
        events = client.get(EVENTS, params=query).json()["events"]
        return [event["eventTime"][14:16] for event in events]

    assert minutes() == ["03", "02", "01"]
    assert minutes(sortDirection="asc") == ["01", "02", "03"]
    assert minutes(limit="1", offset="1") == ["02"]
    assert minutes(**period) == ["02", "01"]
    assert client.get(EVENTS, params=period).json()["totalCount"] == 2
