"""The lineage of columns of a version, as the API shows it."""

from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from uc4_lineage.testing.events import DATA, dataset, run_event

API = "/api/v1"


@pytest.fixture
def moved(client: TestClient) -> TestClient:
    """An API over b.y, which was made from a.x, from new.x, and from a.x again."""
    for at, origin in ((0, "a.x"), (5, "new.x"), (10, "a.x")):
        made = dataset("b", {"y": "int"}, {"y": [origin]}, influences=["a.w"])
        read = [origin.partition(".")[0]]
        event = run_event("make_b", read, [made], at=at)
        assert client.post(f"{API}/lineage", json=event).status_code == 201
    return client


def shown(client: TestClient, node: str) -> dict[str, Any]:
    answer = client.get(f"{API}/column-lineage", params={"nodeId": node})
    assert answer.status_code == 200, answer.text
    start = f"datasetField:{DATA}:"
    return {one["id"].removeprefix(start): one for one in answer.json()["graph"]}


def versions(client: TestClient) -> list[str]:
    """Return the versions of b, the oldest first."""
    place = f"{API}/namespaces/{quote(DATA, safe='')}/datasets/b/versions"
    found = client.get(place).json()["versions"]
    return [one["version"] for one in sorted(found, key=lambda one: one["createdAt"])]


@pytest.mark.parametrize("node", ["dataset:{}:b", "datasetField:{}:b:y"])
def test_what_was_said_before_and_after_a_version_is_not_said_of_it(
    moved: TestClient, node: str
) -> None:
    asked = node.format(DATA)

    found = [sorted(shown(moved, f"{asked}#{one}")) for one in versions(moved)]

    old, new = ["a:w", "a:x", "b:y"], ["a:w", "b:y", "new:x"]
    assert found == [old, new, old]


def test_a_version_of_a_job_shows_what_it_made_then(moved: TestClient) -> None:
    place = f"{API}/namespaces/etl/jobs/make_b/versions"
    jobs = moved.get(place).json()["versions"]

    found = {
        tuple(sorted(shown(moved, f"job:etl:make_b#{one['version']}"))) for one in jobs
    }

    assert ("a:w", "b:y", "new:x") in found


def test_an_origin_of_a_version_tells_how_it_came(moved: TestClient) -> None:
    middle = versions(moved)[1]

    made = shown(moved, f"dataset:{DATA}:b#{middle}")["b:y"]["data"]

    told = {one["field"]: one["transformationType"] for one in made["inputFields"]}
    assert told == {"x": "IDENTITY", "w": "FILTER"}
