"""The lineage of columns, as the API shows it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import DATA, dataset, run_event

POST = "/api/v1/lineage"
COLUMNS = "/api/v1/column-lineage"


@pytest.fixture
def fields(client: TestClient) -> TestClient:
    """An API over columns: a.x to b.y to c.z, and the rows of c chosen by b.w."""
    made_b = dataset("b", {"y": "int", "w": "text"}, {"y": ["a.x"], "w": ["a.v"]})
    made_c = dataset("c", {"z": "int"}, {"z": ["b.y"]}, influences=["b.w"])
    client.post(
        POST,
        json=[
            run_event("make_b", [dataset("a", {"x": "int"})], [made_b]),
            run_event("make_c", ["b"], [made_c], at=1),
        ],
    )
    return client


def columns(client: TestClient, node: str, **query: Any) -> dict[str, Any]:
    answer = client.get(COLUMNS, params={"nodeId": node, **query})
    assert answer.status_code == 200, answer.text
    found = {each["id"]: each for each in answer.json()["graph"]}
    start = f"datasetField:{DATA}:"
    return {identifier.removeprefix(start): node for identifier, node in found.items()}


@pytest.mark.parametrize(
    ("node", "query", "expected"),
    [
        (f"datasetField:{DATA}:c:z", {}, "a:v a:x b:w b:y c:z"),
        (f"datasetField:{DATA}:c:z", {"depth": 1}, "b:w b:y c:z"),
        (f"datasetField:{DATA}:b:y", {}, "a:x b:y"),
        (f"datasetField:{DATA}:b:y", {"withDownstream": "true"}, "a:x b:y c:z"),
        (f"datasetField:{DATA}:a:v", {}, ""),
        (f"datasetField:{DATA}:a:v", {"withDownstream": "true"}, "a:v b:w c:z"),
        (f"dataset:{DATA}:b", {}, "a:v a:x b:w b:y"),
        ("job:etl:make_b", {}, "a:v a:x b:w b:y"),
        ("job:etl:make_c", {"depth": 0}, ""),
    ],
)
def test_fields_are_followed_to_their_origins(
    fields: TestClient, node: str, query: dict[str, Any], expected: str
) -> None:
    assert " ".join(sorted(columns(fields, node, **query))) == expected


def test_a_field_tells_what_it_is_made_from(fields: TestClient) -> None:
    made = columns(fields, f"datasetField:{DATA}:c:z", depth=1)["c:z"]

    assert made["type"] == "DATASET_FIELD"
    assert made["data"]["fieldType"] == "int"
    origins = {each["field"]: each for each in made["data"]["inputFields"]}
    assert origins["y"]["transformationType"] == "IDENTITY"
    assert origins["w"]["transformationType"] == "FILTER"
    # As Marquez has it: an inner edge leads back to what the field is made from.
    destinations = {edge["destination"][-3:] for edge in made["inEdges"]}
    assert destinations == {"b:y", "b:w"}


def test_a_version_shows_the_columns_of_its_time(fields: TestClient) -> None:
    place = f"/api/v1/namespaces/{DATA.replace('/', '%2F')}/datasets/b"
    version = fields.get(place).json()["currentVersion"]
    later = dataset("b", {"y": "int"}, {"y": ["new.x"]})
    fields.post(POST, json=run_event("make_b", ["new"], [later], at=5))
    node = f"dataset:{DATA}:b"

    assert "new:x" in columns(fields, node)
    assert sorted(columns(fields, f"{node}#{version}")) == ["a:v", "a:x", "b:w", "b:y"]
    both = {"nodeId": f"{node}#{version}", "withDownstream": "true"}
    assert fields.get(COLUMNS, params=both).status_code == 400


def test_an_origin_that_the_job_no_longer_tells_is_gone(
    fields: TestClient, reader: Reader
) -> None:
    later = dataset("b", {"y": "int"}, {"y": ["new.x"]})
    fields.post(POST, json=run_event("make_b", ["new"], [later], at=5))
    place = f"/api/v1/namespaces/{DATA.replace('/', '%2F')}/datasets/b"
    old = f"datasetField:{DATA}:a:x"

    (told,) = fields.get(place).json()["columnLineage"]
    assert [one["dataset"] for one in told["inputFields"]] == ["new"]
    for node in (f"datasetField:{DATA}:b:y", f"dataset:{DATA}:b", "job:etl:make_b"):
        found = columns(fields, node, withDownstream="true")
        assert "new:x" in found
        assert not {"a:x", "a:v"} & found.keys(), node
    assert columns(fields, old, withDownstream="true") == {}
    asked = {(row[2], row[4]) for row in reader.rows("origins")}
    assert asked == {("y", "x"), ("z", "y"), ("", "w")}  # as the questions have it


def test_what_a_deleted_job_made_has_no_origins(fields: TestClient) -> None:
    fields.delete("/api/v1/namespaces/etl/jobs/make_b")
    place = f"/api/v1/namespaces/{DATA.replace('/', '%2F')}/datasets/b"

    assert columns(fields, f"datasetField:{DATA}:b:y") == {}
    assert "a:x" not in columns(fields, f"dataset:{DATA}:b", withDownstream="true")
    assert not fields.get(place).json()["columnLineage"]


def test_a_dataset_tells_the_lineage_of_its_columns(fields: TestClient) -> None:
    place = f"/api/v1/namespaces/{DATA.replace('/', '%2F')}/datasets/c"

    (column,) = fields.get(place).json()["columnLineage"]

    assert column["name"] == "z"
    assert [each["field"] for each in column["inputFields"]] == ["y"]
