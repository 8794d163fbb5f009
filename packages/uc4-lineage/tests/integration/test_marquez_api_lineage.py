"""The graphs of the API: jobs and datasets, fields, and runs."""

import gc
import json
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from mlops_common.testing.shared import shared
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.testing.events import DATA, dataset, run_event

POST = "/api/v1/lineage"
COLUMNS = "/api/v1/column-lineage"
UPSTREAM = "/api/v1/runlineage/upstream"
SAMPLE = "data/lineage/marquez_food_delivery/metadata.json"


@pytest.fixture
def chain(client: TestClient) -> TestClient:
    """An API over a chain of jobs: raw, a, clean, b, report, c, page."""
    client.post(
        POST,
        json=[
            run_event("a", ["raw"], ["clean"], run="a"),
            run_event("b", ["clean"], ["report"], run="b", at=1),
            run_event("c", ["report"], ["page"], run="c", at=2),
        ],
    )
    return client


def nodes(client: TestClient, node: str, **query: Any) -> dict[str, Any]:
    answer = client.get(POST, params={"nodeId": node, **query})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["graph"]}


def names(found: dict[str, Any]) -> str:
    return " ".join(sorted(node.rpartition(":")[2] for node in found))


def test_the_sample_of_marquez_is_one_graph(client: TestClient) -> None:
    events = json.loads(shared(SAMPLE).read_text("utf-8"))
    client.post(POST, json=events)

    found = nodes(client, "job:food_delivery:etl_delivery_7_days")

    types = [node["type"] for node in found.values()]
    assert (types.count("JOB"), types.count("DATASET")) == (13, 13)
    delivered = found["dataset:food_delivery:public.delivery_7_days"]
    writer, reader = "etl_delivery_7_days", "delivery_times_7_days"
    assert delivered["inEdges"] == [
        {"origin": f"job:food_delivery:{writer}", "destination": delivered["id"]}
    ]
    assert delivered["outEdges"] == [
        {"origin": delivered["id"], "destination": f"job:food_delivery:{reader}"}
    ]


@pytest.mark.parametrize(
    ("node", "depth", "expected"),
    [
        ("job:etl:b", 0, "b clean report"),
        ("job:etl:b", 1, "a b c clean page raw report"),
        ("job:etl:a", 1, "a b clean raw report"),
        (f"dataset:{DATA}:raw", 0, "a clean raw"),
        (f"dataset:{DATA}:clean", 0, "a b clean raw report"),
        (f"dataset:{DATA}:raw", 2**31 - 1, "a b c clean page raw report"),
    ],
)
def test_depth_counts_the_jobs_both_ways(
    chain: TestClient, node: str, depth: int, expected: str
) -> None:
    assert names(nodes(chain, node, depth=depth)) == expected


def test_a_cycle_ends(client: TestClient) -> None:
    client.post(POST, json=run_event("a", ["x"], ["y"]))
    client.post(POST, json=run_event("b", ["y"], ["x"], at=1))

    assert names(nodes(client, "job:etl:a")) == "a b x y"


def test_what_has_no_edge_is_a_graph_by_itself(client: TestClient) -> None:
    client.post(POST, json=run_event("alone"))

    assert names(nodes(client, "job:etl:alone")) == "alone"


def test_what_was_deleted_is_in_no_graph(chain: TestClient) -> None:
    place = "/api/v1/namespaces/etl/jobs/b"
    assert chain.delete(place).status_code == 200

    assert names(nodes(chain, "job:etl:a")) == "a clean raw"
    assert chain.get(place).status_code == 404
    assert chain.get(POST, params={"nodeId": "job:etl:b"}).status_code == 404


def test_an_event_brings_back_what_was_deleted(chain: TestClient) -> None:
    chain.delete("/api/v1/namespaces/etl/jobs/b")
    chain.post(POST, json=run_event("b", ["clean"], ["report"], at=9))

    assert names(nodes(chain, "job:etl:a")) == "a b c clean page raw report"


@pytest.mark.parametrize(
    ("node", "status"),
    [
        ("job:etl:nothing", 404),
        (f"dataset:{DATA}:nothing", 404),
        ("nothing", 400),
        ("run:870492da-ecfb-4be0-91b9-9a89ddd3db90", 400),
        ("job:" + ":" * 5_000, 404),
        ("datasetField:a:b:c", 404),
        ("", 400),
    ],
)
def test_a_node_that_is_not_there_is_told(
    chain: TestClient, node: str, status: int
) -> None:
    assert chain.get(POST, params={"nodeId": node}).status_code == status
    assert chain.get(COLUMNS, params={"nodeId": node}).status_code == status


def test_a_name_with_colons_is_found(client: TestClient) -> None:
    for space, name in (("a:b", "c"), ("a", "b:d"), ("s3://x:1", "y:z")):
        client.post(POST, json=run_event("j", [dataset(name, namespace=space)]))
        identifier = f"dataset:{space}:{name}"

        assert identifier in nodes(client, identifier)


def test_a_run_leads_back_to_the_runs_that_made_its_inputs(chain: TestClient) -> None:
    (last,) = chain.get("/api/v1/namespaces/etl/jobs/c/runs").json()["runs"]

    def jobs(depth: int) -> list[str]:
        query = {"runId": last["id"], "depth": depth}
        runs = chain.get(UPSTREAM, params=query).json()["runs"]
        return [run["job"]["name"] for run in runs]

    assert jobs(0) == ["c"]
    assert jobs(1) == ["c", "b"]
    assert jobs(2**31 - 1) == ["c", "b", "a"]


def test_the_newest_version_before_a_run_is_what_it_read(client: TestClient) -> None:
    events = [
        run_event("make", [], ["x"], run="old", at=0),
        run_event("read", ["x"], ["y"], run="reader", at=5),
        run_event("make", [], ["x"], run="new", at=9),
    ]
    client.post(POST, json=events)
    reader, maker = events[1]["run"]["runId"], events[0]["run"]["runId"]

    runs = client.get(UPSTREAM, params={"runId": reader}).json()["runs"]

    (read,) = runs[0]["inputs"]
    assert read["producedByRunId"] == maker
    assert [run["run"]["id"] for run in runs] == [reader, maker]


def test_a_server_that_was_started_again_is_no_hindrance(
    chain: TestClient, store: LineageStore
) -> None:
    assert names(nodes(chain, "job:etl:a", depth=0)) == "a clean raw"
    with store.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert names(nodes(chain, "job:etl:a", depth=0)) == "a clean raw"


def test_a_connection_that_cannot_be_prepared_is_closed(store: LineageStore) -> None:
    store.ingest([run_event("load")])
    with store.connect() as other:
        other.execute("ALTER TABLE lineage.symlinks RENAME TO gone")
    before = connected()

    with pytest.raises(NotFoundError) as caught:
        Queries(store).rows("namespaces", limit=1, offset=0)

    assert connected() == before, caught.value  # whose traceback keeps it alive


def connected() -> int:
    """How many connections this process has."""
    known = (each for each in gc.get_objects() if isinstance(each, psycopg.Connection))
    return sum(not each.closed for each in known)
