"""What a running Marquez answered and its OpenAPI file does not say."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from uc4_lineage.testing.events import FACET, dataset, run_event

API = "/api/v1"
JOBS = f"{API}/namespaces/etl/jobs"


def got(client: TestClient, path: str, **query: str) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("sort", ["name", "updated_at", "update_at"])
def test_results_are_sorted_by_the_names_that_marquez_takes_and_documents(
    client: TestClient, store: LineageStore, sort: str
) -> None:
    store.ingest([run_event("a1", at=1), run_event("b1", at=2)])

    found = got(client, f"{API}/search", q="1", sort=sort)["results"]

    assert [one["name"] for one in found] == (
        ["a1", "b1"] if sort == "name" else ["b1", "a1"]
    )


def test_the_lineage_of_a_column_names_versions_and_no_transformation_that_none_told(
    client: TestClient, store: LineageStore
) -> None:
    made = dataset("made", {"b": "int"}, {"b": ["read.a"]})
    (origin,) = made["facets"]["columnLineage"]["fields"]["b"]["inputFields"]
    del origin["transformations"]
    store.ingest([run_event("copy", ["read"], [made])])

    graph = got(
        client, f"{API}/column-lineage", nodeId="dataset:postgres://db:5432:made"
    )["graph"]

    shown = {node["data"]["dataset"]: node["data"] for node in graph}
    space = f"{API}/namespaces/postgres%3A%2F%2Fdb%3A5432/datasets"
    for name, data in shown.items():
        current = got(client, f"{space}/{name}")["currentVersion"]
        assert data["datasetVersion"] == current
    (read,) = shown["made"]["inputFields"]
    assert read["datasetVersion"] == shown["read"]["datasetVersion"]
    assert (read["transformationType"], read["transformationDescription"]) == (
        None,
        None,
    )


def test_a_job_shows_its_kind_as_labels_and_its_last_runs_whole(
    client: TestClient, store: LineageStore
) -> None:
    kind = {"processingType": "BATCH", "integration": "DBT", "jobType": "MODEL"}
    event = run_event("model", ["a"], ["b"], facets={"x": {"y": 1}})
    event["job"]["facets"] = {"jobType": FACET | kind}
    store.ingest([event])

    job = got(client, f"{JOBS}/model")

    assert job["labels"] == ["DBT", "MODEL"]
    (run,) = job["latestRuns"]
    assert run["facets"]["x"]["y"] == 1
    assert [one["datasetVersionId"]["name"] for one in run["inputDatasetVersions"]] == [
        "a"
    ]


def test_a_job_is_found_by_its_name_behind_that_of_the_job_above(
    client: TestClient, store: LineageStore
) -> None:
    above = run_event("flow", run="flow")
    parent = {"run": {"runId": above["run"]["runId"]}, "job": above["job"]}
    store.ingest([above, run_event("step", ["a"], facets={"parent": parent})])

    assert got(client, f"{JOBS}/flow.step") == got(client, f"{JOBS}/step")
    node = got(client, f"{API}/lineage", nodeId="job:etl:flow.step")["graph"]
    assert {one["id"] for one in node} >= {"job:etl:step"}
    assert client.get(f"{JOBS}/other.step").status_code == 404


def test_a_job_has_a_version_once_a_run_named_its_datasets_or_ended(
    client: TestClient, store: LineageStore
) -> None:
    store.ingest([run_event("job", state="START", run="one")])
    before = got(client, f"{JOBS}/job")
    store.ingest([run_event("job", at=1, run="one")])
    after = got(client, f"{JOBS}/job")

    assert (before["currentVersion"], before["latestRun"]["jobVersion"]) == (None, None)
    (version,) = got(client, f"{JOBS}/job/versions")["versions"]
    assert after["latestRun"]["jobVersion"]["version"] == version["version"]
    assert after["currentVersion"] == version["version"]
    assert version["createdAt"] == after["latestRun"]["endedAt"]
