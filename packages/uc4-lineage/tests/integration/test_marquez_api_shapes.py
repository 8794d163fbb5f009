"""Every GET that Marquez' OpenAPI file declares, and the shape that it declares."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)
from referencing import Registry, Resource

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.shared import shared
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.events import dataset, run_event
from uc4_lineage.testing.marquez_openapi import FILE, corrected

API = "/api/v1"
SAMPLE = "data/lineage/marquez_food_delivery/metadata.json"
NAMESPACE = "food_delivery"
URI = "urn:marquez"
FORMATS = FormatChecker(["date-time", "uuid"])
DELIVERY = "d5a2a4c4-fc78-428d-ae85-08c942ed8371"
# Marquez itself no longer shows these.
GONE = {"context"}


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    return corrected(yaml.safe_load(shared(FILE).read_text("utf-8")))


@pytest.fixture(scope="module")
def client(postgres: Postgres) -> Iterator[TestClient]:
    """An API over Marquez' sample, and a run that tells the lineage of columns."""
    store = LineageStore(postgres, "marquez_api_shapes")
    events = json.loads(shared(SAMPLE).read_text("utf-8"))
    quality = {"rowCount": 3, "columnMetrics": {}}
    menus = dataset("public.menus", {"id": "INTEGER"}, namespace=NAMESPACE)
    read = menus | {"inputFacets": {"dataQualityMetrics": facet(quality)}}
    made = dataset("prices", {"price": "float8"}, {"price": ["orders.total"]})
    with TestClient(application(store)) as client:
        for event in [*events, run_event("price", [read, "orders"], [made])]:
            assert client.post(f"{API}/lineage", json=event).status_code == 201
        client.post(f"{API}/namespaces/{NAMESPACE}/datasets/public.menus/tags/PII")
        yield client
    store.close()


def facet(content: dict[str, Any]) -> dict[str, Any]:
    uri = "https://example.com/facet"
    return {"_producer": uri, "_schemaURL": uri, **content}


def parameters(client: TestClient, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a path and its query need."""
    things = {"dataset": "public.menus", "job": "etl_delivery_7_days"}
    kind = "datasets" if "/datasets/" in path else "jobs"
    one = f"{API}/namespaces/{NAMESPACE}/{kind}/{things[kind[:-1]]}"
    version = client.get(one).json()["currentVersion"]
    places = {
        "namespace": NAMESPACE,
        "source": "food_delivery_db",
        "id": DELIVERY,
        **things,
        "version": version,
    }
    node = "job:food_delivery:etl_delivery_7_days"
    if path == "/column-lineage":
        node = "datasetField:postgres://db:5432:prices:price"
    return places, {"nodeId": node, "q": "menus", "type": "run", "runId": DELIVERY}


def gets() -> list[str]:
    """Return the paths of the file that can be read."""
    file = shared(FILE)
    paths = yaml.safe_load(file.read_text("utf-8"))["paths"]
    return [path for path, operations in paths.items() if "get" in operations]


def validator(declared: dict[str, Any], schema: Any) -> Draft202012Validator:
    resource = Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **declared}
    )
    registry: Registry[Any] = Registry().with_resource(URI, resource)
    return Draft202012Validator(
        json.loads(json.dumps(schema).replace('"#/', f'"{URI}#/')),
        registry=registry,
        format_checker=FORMATS,
    )


def test_every_get_answers_with_the_declared_shape(
    client: TestClient, declared: dict[str, Any]
) -> None:
    problems = {}
    for path in gets():
        places, query = parameters(client, path)
        answer = client.get(API + path.format(**places), params=query)
        assert answer.status_code == 200, (path, answer.text)
        content = declared["paths"][path]["get"]["responses"]
        (response,) = content.values()
        schema = response["content"]["application/json"]["schema"]
        found = list(validator(declared, schema).iter_errors(answer.json()))
        problems[path] = [f"{e.json_path}: {e.message[:200]}" for e in found]

    assert len(problems) == 21
    assert {path: found for path, found in problems.items() if found} == {}


@pytest.mark.parametrize(
    ("path", "name", "place"),
    [
        ("/namespaces/{namespace}", "Namespace", ()),
        ("/sources/{source}", "Source", ()),
        ("/namespaces/{namespace}/datasets/{dataset}", "Dataset", ()),
        ("/namespaces/{namespace}/datasets", "Dataset", ("datasets", 0)),
        (
            "/namespaces/{namespace}/datasets/{dataset}/versions/{version}",
            "DatasetVersion",
            (),
        ),
        ("/namespaces/{namespace}/jobs/{job}", "Job", ()),
        ("/namespaces/{namespace}/jobs/{job}/versions/{version}", "JobVersion", ()),
        ("/namespaces/{namespace}/jobs/{job}/runs", "IncompleteRun", ("runs", 0)),
        ("/jobs/runs/{id}", "IncompleteRun", ()),
        ("/search", "SearchResult", ("results", 0)),
        ("/tags", "Tag", ("tags", 0)),
        ("/lineage", "GraphNode", ("graph", 0)),
    ],
)
def test_an_answer_has_every_declared_property(
    client: TestClient,
    declared: dict[str, Any],
    path: str,
    name: str,
    place: tuple[str | int, ...],
) -> None:
    places, query = parameters(client, path)
    found = client.get(API + path.format(**places), params=query).json()
    for step in place:
        found = found[step]

    properties = set(declared["components"]["schemas"][name]["properties"])
    assert properties - GONE - set(found) == set()


def test_a_shape_that_is_wrong_is_noticed(
    client: TestClient, declared: dict[str, Any]
) -> None:
    schema = {"$ref": "#/components/schemas/Job"}
    right = client.get(f"{API}/namespaces/{NAMESPACE}/jobs/etl_menus").json()
    assert validator(declared, schema).is_valid(right)

    changes: list[dict[str, Any]]
    changes = [{"createdAt": "soon"}, {"inputs": "none"}, {"latestRuns": {}}]
    for change in changes:
        assert not validator(declared, schema).is_valid(deepcopy(right) | change)


def test_lists_can_be_paged_through(client: TestClient) -> None:
    path = f"{API}/namespaces/{NAMESPACE}/datasets"
    whole = client.get(path).json()
    pages = [
        client.get(path, params={"limit": 5, "offset": start}).json()
        for start in (0, 5, 10, 15)
    ]

    assert [page["totalCount"] for page in pages] == [13] * 4
    assert [one for page in pages for one in page["datasets"]] == whole["datasets"]


@pytest.mark.parametrize("query", ["limit=-1", "offset=x", "limit=9999999999999"])
def test_an_impossible_page_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"{API}/tags?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == 400


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/namespaces/nowhere", "Namespace 'nowhere' not found."),
        ("/namespaces/nowhere/datasets", "Namespace 'nowhere' not found."),
        ("/namespaces/nowhere/datasets/menus", "Namespace 'nowhere' not found."),
        ("/namespaces/food_delivery/datasets/menus", "Dataset 'menus' not found."),
        ("/namespaces/food_delivery/datasets/m/versions", "Dataset 'm' not found."),
        ("/namespaces/food_delivery/jobs/menus", "Job 'menus' not found."),
        ("/namespaces/food_delivery/jobs/menus/runs", "Job 'menus' not found."),
        ("/namespaces/food_delivery/jobs/menus/versions", "Job 'menus' not found."),
        ("/sources/nowhere", "Source 'nowhere' not found."),
        (f"/jobs/runs/{NAMESPACE}", None),
        (
            "/jobs/runs/870492da-ecfb-4be0-91b9-9a89ddd3db90",
            "Run '870492da-ecfb-4be0-91b9-9a89ddd3db90' not found.",
        ),
        (
            "/lineage?nodeId=job:food_delivery:x",
            "Node 'job:food_delivery:x' not found.",
        ),
        ("/nothing", "Not Found"),
    ],
)
def test_what_is_not_there_is_told_as_marquez_tells_it(
    client: TestClient, path: str, message: str | None
) -> None:
    answer = client.get(API + path)

    if message is None:  # no UUID
        assert answer.status_code == 400
    else:
        assert answer.status_code == 404
        assert answer.json() == {"code": 404, "message": message}


def test_a_run_tells_what_it_read_and_wrote_in_which_version(
    client: TestClient,
) -> None:
    path = f"{API}/namespaces/etl/jobs/price/runs"
    (run,) = client.get(path).json()["runs"]

    read = {
        each["datasetVersionId"]["name"]: each for each in run["inputDatasetVersions"]
    }
    (made,) = run["outputDatasetVersions"]
    assert read["public.menus"]["facets"]["dataQualityMetrics"]["rowCount"] == 3
    versions = f"{API}/namespaces/{NAMESPACE}/datasets/public.menus/versions"
    identifier = read["public.menus"]["datasetVersionId"]["version"]
    assert client.get(f"{versions}/{identifier}").status_code == 200
    assert made["datasetVersionId"]["name"] == "prices"


def test_a_password_in_the_address_of_a_source_is_not_shown(
    client: TestClient,
) -> None:
    source = client.get(f"{API}/sources/food_delivery_db").json()

    assert source["connectionUrl"] == "postgres://postgres:5432/food_delivery"
