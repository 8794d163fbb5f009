"""Events as the integrations of Spark, Airflow and dbt write them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from uc4_lineage.marquez_api.application import application

API = "/api/v1"
EVENTS = Path(__file__).parent / "events"
WAREHOUSE = "postgres://warehouse:5432"
QUERY = "shop.execute_insert_into_hadoop_fs_relation_command.daily"


@pytest.fixture
def client(store: LineageStore) -> Iterator[TestClient]:
    with TestClient(application(store)) as client:
        for producer in ("airflow", "spark", "dbt"):
            for one in json.loads((EVENTS / f"{producer}.json").read_text("utf-8")):
                answer = client.post(f"{API}/lineage", json=one)
                assert answer.status_code == 201, answer.text
        yield client


def got(client: TestClient, path: str, **query: str) -> Any:
    answer = client.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_task_of_airflow_that_fails_is_shown_so(client: TestClient) -> None:
    (run,) = got(client, "namespaces/airflow/jobs/shop.load/runs")["runs"]

    assert run["state"] == "FAILED"
    assert run["nominalStartTime"] == "2026-01-01T00:00:00.000000Z"
    assert run["facets"]["parent"]["job"]["name"] == "shop"
    assert run["facets"]["errorMessage"]["message"] == "no such file"
    assert run["facets"]["airflow"]["task"]["retries"] == 1
    job = got(client, "namespaces/airflow/jobs/shop")
    assert job["description"] == "Daily."
    assert job["latestRun"]["state"] == "RUNNING"


def test_a_query_of_spark_tells_its_columns(client: TestClient) -> None:
    table = got(client, "namespaces/s3%3A%2F%2Flake/datasets/daily")
    (total,) = table["columnLineage"]
    graph = got(client, "column-lineage", nodeId="dataset:s3://lake:daily")["graph"]

    assert total["inputFields"][0]["transformationType"] == "AGGREGATION"
    assert [node["data"]["field"] for node in graph] == ["total", "day", "price"]
    assert table["lastLifecycleState"] == "OVERWRITE"
    alias = "namespaces/hive%3A%2F%2Fmetastore%3A9083/datasets/shop.daily"
    assert got(client, alias)["name"] == "daily"
    job = got(client, f"namespaces/spark/jobs/{QUERY}")
    assert job["latestRun"]["state"] == "COMPLETED"
    assert "spark.logicalPlan" in job["latestRun"]["facets"]


def test_a_model_of_dbt_is_a_job_and_its_tests_write_nothing(
    client: TestClient,
) -> None:
    place = "namespaces/postgres%3A%2F%2Fwarehouse%3A5432/datasets/shop.public.orders"
    table = got(client, place)

    assert table["description"] == "By dbt."
    assert [field["description"] for field in table["fields"]] == ["Key."]
    found = got(client, "lineage", nodeId=f"dataset:{WAREHOUSE}:shop.public.orders")
    jobs = {node["id"] for node in found["graph"] if node["type"] == "JOB"}
    model = "job:dbt:shop.public.shop.orders"
    assert jobs == {model, f"{model}.test"}
    job = got(client, "namespaces/dbt/jobs/shop.public.shop.orders")
    assert job["facets"]["sql"]["query"] == "select id from stg_orders"
