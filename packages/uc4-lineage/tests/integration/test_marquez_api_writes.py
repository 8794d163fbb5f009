"""What people and clients of old write through the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.events import DATA, dataset, run_event

API = "/api/v1"
SPACE = f"{API}/namespaces/{DATA.replace('/', '%2F')}"
ORDERS = f"{SPACE}/datasets/orders"
LOAD = f"{API}/namespaces/etl/jobs/load"
TABLE = {
    "type": "DB_TABLE",
    "physicalName": "public.mine",
    "sourceName": "warehouse",
    "fields": [{"name": "id", "type": "INTEGER", "tags": ["key"]}],
    "description": "My table.",
    "tags": ["mine"],
}


@pytest.fixture
def client(store: LineageStore) -> Iterator[TestClient]:
    with TestClient(application(store)) as client:
        orders = dataset("orders", {"id": "int", "total": "float8"})
        answer = client.post(f"{API}/lineage", json=run_event("load", [orders]))
        assert answer.status_code == 201
        yield client


def good(answer: Any) -> Any:
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def test_a_tag_is_put_on_a_dataset_and_taken_off(client: TestClient) -> None:
    assert good(client.post(f"{ORDERS}/tags/pii"))["tags"] == ["PII"]
    assert good(client.get(f"{API}/tags"))["tags"] == [
        {"name": "PII", "description": None}
    ]
    assert good(client.delete(f"{ORDERS}/tags/pii"))["tags"] == []


def test_a_tag_is_put_on_a_field_and_taken_off(client: TestClient) -> None:
    def tags(dataset: Any) -> dict[str, list[str]]:
        return {field["name"]: field["tags"] for field in dataset["fields"]}

    place = f"{ORDERS}/fields/total/tags/money"
    assert tags(good(client.post(place))) == {"id": [], "total": ["MONEY"]}
    assert tags(good(client.delete(place))) == {"id": [], "total": []}
    assert client.post(f"{ORDERS}/fields/nothing/tags/money").status_code == 404


def test_a_tag_is_put_on_a_job_and_taken_off(client: TestClient) -> None:
    assert good(client.post(f"{LOAD}/tags/daily"))["tags"] == ["DAILY"]
    assert good(client.delete(f"{LOAD}/tags/daily"))["tags"] == []


def test_a_tag_keeps_its_description(client: TestClient) -> None:
    told = good(client.put(f"{API}/tags/pii", json={"description": "about people"}))
    client.post(f"{ORDERS}/tags/pii")

    assert told == {"name": "PII", "description": "about people"}
    assert good(client.get(f"{API}/tags"))["tags"] == [told]


def test_a_namespace_has_an_owner(client: TestClient) -> None:
    told = {"ownerName": "ann", "description": "hers"}
    made = good(client.put(f"{API}/namespaces/new%2Fone", json=told))

    assert (made["name"], made["ownerName"]) == ("new/one", "ann")
    assert good(client.get(f"{API}/namespaces/etl"))["ownerName"] == "anonymous"
    assert good(client.put(f"{API}/namespaces/etl", json=told))["ownerName"] == "ann"


@pytest.mark.parametrize("name", ["a%20b", "%3Cscript%3E", "x" * 1_025])
def test_a_namespace_of_odd_letters_is_refused(client: TestClient, name: str) -> None:
    answer = client.put(f"{API}/namespaces/{name}", json={"ownerName": "ann"})

    assert answer.status_code == 400


def test_a_deleted_namespace_takes_all_of_it_along(client: TestClient) -> None:
    assert good(client.delete(SPACE))["isHidden"]
    assert client.get(ORDERS).status_code == 404
    assert DATA not in {
        each["name"] for each in good(client.get(f"{API}/namespaces"))["namespaces"]
    }

    client.post(f"{API}/lineage", json=run_event("load", ["orders"], at=9))
    assert client.get(ORDERS).status_code == 200


def test_a_deleted_dataset_comes_back_with_an_event(client: TestClient) -> None:
    assert good(client.delete(ORDERS))["name"] == "orders"
    assert client.get(ORDERS).status_code == 404
    assert client.delete(ORDERS).status_code == 404

    client.post(f"{API}/lineage", json=run_event("load", ["orders"], at=9))
    assert client.get(ORDERS).status_code == 200


@pytest.fixture
def warehouse(client: TestClient) -> TestClient:
    """An API that knows a source."""
    told = {"type": "postgresql", "connectionUrl": "postgres://ann:secret@db/warehouse"}
    made = good(client.put(f"{API}/sources/warehouse", json=told))
    assert made["type"] == "POSTGRESQL"
    assert made["connectionUrl"] == "postgres://db/warehouse"
    return client


def test_a_dataset_can_be_declared(warehouse: TestClient, store: LineageStore) -> None:
    made = good(warehouse.put(f"{SPACE}/datasets/mine", json=TABLE))

    assert (made["sourceName"], made["description"]) == ("warehouse", "My table.")
    assert made["tags"] == ["MINE"]
    assert made["fields"][0]["tags"] == ["KEY"]
    store.rebuild()
    again = good(warehouse.get(f"{SPACE}/datasets/mine"))
    assert (again["description"], again["tags"]) == ("My table.", ["MINE"])


def test_a_job_can_be_declared_and_run(warehouse: TestClient) -> None:
    told = {
        "type": "STREAM",
        "location": "https://example.com/code",
        "inputs": [{"namespace": DATA, "name": "orders"}],
        "context": {"SQL": "SELECT 1"},
    }
    job = good(warehouse.put(f"{API}/namespaces/etl/jobs/mine", json=told))
    place = f"{API}/namespaces/etl/jobs/mine/runs"
    made = warehouse.post(place, json={"nominalStartTime": "2026-01-01T00:00:00Z"})
    run = good(made)

    assert (job["type"], job["location"]) == ("STREAM", "https://example.com/code")
    assert [each["name"] for each in job["inputs"]] == ["orders"]
    assert job["facets"]["sql"]["query"] == "SELECT 1"
    assert (made.status_code, run["state"]) == (201, "NEW")
    assert run["nominalStartTime"] == "2026-01-01T00:00:00.000000Z"
    states = {
        change: good(warehouse.post(f"{API}/jobs/runs/{run['id']}/{change}"))["state"]
        for change in ("start", "complete")
    }
    assert states == {"start": "RUNNING", "complete": "COMPLETED"}


def test_a_run_can_write_what_is_declared(warehouse: TestClient) -> None:
    run = good(warehouse.post(f"{LOAD}/runs", json={}))["id"]

    made = warehouse.put(f"{SPACE}/datasets/mine", json=TABLE | {"runId": run})

    version = f"{SPACE}/datasets/mine/versions/{good(made)['currentVersion']}"
    assert good(warehouse.get(version))["createdByRun"]["id"] == run


@pytest.mark.parametrize("end", ["fail", "abort"])
def test_a_run_ends_at_a_given_time(client: TestClient, end: str) -> None:
    run = good(client.post(f"{LOAD}/runs", json={}))["id"]
    at = "2026-02-03T04:05:06Z"

    told = good(client.post(f"{API}/jobs/runs/{run}/{end}", params={"at": at}))

    assert told["endedAt"] == "2026-02-03T04:05:06.000000Z"


UNKNOWN = {"namespace": "nowhere", "name": "nothing"}
RUN = "870492da-ecfb-4be0-91b9-9a89ddd3db90"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"{SPACE}/datasets/mine", TABLE | {"sourceName": "nowhere"}, 404),
        ("PUT", f"{API}/namespaces/nowhere/datasets/mine", TABLE, 404),
        ("PUT", f"{SPACE}/datasets/mine", TABLE | {"runId": RUN}, 404),
        ("PUT", f"{SPACE}/datasets/mine", {}, 400),
        ("PUT", LOAD, {"type": "BATCH", "outputs": [UNKNOWN]}, 404),
        ("PUT", LOAD, {"type": "BATCH", "runId": RUN}, 404),
        ("POST", f"{API}/namespaces/etl/jobs/nothing/runs", {}, 404),
        ("POST", f"{LOAD}/runs", {"id": "7"}, 400),
        ("POST", f"{LOAD}/runs", {"nominalStartTime": "soon"}, 400),
        ("POST", f"{API}/jobs/runs/{RUN}/start", {}, 404),
        ("POST", f"{API}/jobs/runs/{RUN}/explode", {}, 400),
        ("PUT", f"{API}/sources/s", {"type": "X"}, 400),
        ("PATCH", LOAD, {}, 405),
    ],
)
def test_what_cannot_be_declared_is_refused(
    warehouse: TestClient, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = warehouse.request(method, path, json=body)

    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == status


def test_a_run_cannot_be_declared_twice(client: TestClient) -> None:
    assert client.post(f"{LOAD}/runs", json={"id": RUN}).status_code == 201
    assert client.post(f"{LOAD}/runs", json={"id": RUN}).status_code == 400
