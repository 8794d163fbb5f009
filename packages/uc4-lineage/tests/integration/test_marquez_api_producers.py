"""Events as Airflow, dbt and Spark sent them to `mlops lineage serve`."""

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
PRODUCERS = ("airflow", "dbt", "spark")
WAREHOUSE = "postgres://warehouse:5432"
TABLES = f"namespaces/{WAREHOUSE.replace('/', '%2F').replace(':', '%3A')}/datasets"
BEST = "/srv/warehouse/best"
SALES = "daily_sales.adaptive_spark_plan.out_sales"
INSERT = "execute_insert_into_hadoop_fs_relation_command.spark-warehouse_best"
CREATE = "execute_create_data_source_table_as_select_command.default_best"


def sent(producer: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]]
    events = json.loads((EVENTS / f"{producer}.json").read_text("utf-8"))
    return events


@pytest.fixture
def client(store: LineageStore) -> Iterator[TestClient]:
    with TestClient(application(store)) as client:
        for producer in PRODUCERS:
            for one in sent(producer):
                answer = client.post(f"{API}/lineage", json=one)
                assert answer.status_code == 201, answer.text
        yield client


def got(client: TestClient, path: str, **query: str) -> Any:
    answer = client.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def upstream(client: TestClient, node: str) -> set[str]:
    """Return the ids of the jobs and datasets that lead to a node, and of itself."""
    graph = got(client, "lineage", nodeId=node, depth="20")["graph"]
    origins = {
        each["id"]: [edge["origin"] for edge in each["inEdges"]] for each in graph
    }
    met, waiting = set(), [node]
    while waiting:
        if (one := waiting.pop()) not in met:
            met.add(one)
            waiting += origins[one]
    return met


@pytest.mark.parametrize("producer", PRODUCERS)
def test_the_events_of_a_producer_are_taken_as_one_batch(
    store: LineageStore, producer: str
) -> None:
    events = sent(producer)

    with TestClient(application(store)) as client:
        answer = client.post(f"{API}/lineage/batch", json=events)

    assert answer.json()["summary"]["successful"] == len(events)


def test_a_task_of_airflow_that_fails_is_shown_so(client: TestClient) -> None:
    (run,) = got(client, "namespaces/airflow/jobs/shop.publish/runs")["runs"]
    dag = got(client, "namespaces/airflow/jobs/shop")

    assert run["state"] == "FAILED"
    assert run["nominalStartTime"] == "2026-11-27T00:00:00.000000Z"
    assert run["facets"]["parent"]["run"]["runId"] == dag["latestRun"]["id"]
    assert (
        run["facets"]["errorMessage"]["message"] == "no such report: /srv/report.html"
    )
    assert run["facets"]["airflow"]["task"]["task_id"] == "publish"
    assert dag["description"] == "Daily figures of a small shop."
    assert dag["latestRun"]["state"] == "FAILED"


def test_each_run_of_a_producer_names_its_parent(client: TestClient) -> None:
    for namespace, parent in (("dbt", "dbt-run-shop"), ("spark", "daily_sales")):
        jobs = got(client, f"namespaces/{namespace}/jobs")["jobs"]
        above = {
            job["name"]: job["latestRun"]["facets"].get("parent", {}).get("job")
            for job in jobs
        }
        assert above.pop(parent) is None
        names = {each and each["name"] for each in above.values()}
        assert names == {parent}


def test_tables_of_dbt_are_those_that_airflow_wrote(client: TestClient) -> None:
    found = upstream(client, f"dataset:{WAREHOUSE}:shop.public.big_customers")

    assert found == {
        "dataset:file:/srv/landing/orders.csv",
        *(f"job:airflow:shop.{task}" for task in ("load", "create")),
        *(
            f"job:dbt:shop.public.shop.{model}"
            for model in ("stg_orders", "customers", "big_customers")
        ),
        *(
            f"dataset:{WAREHOUSE}:shop.public.{table}"
            for table in ("orders", "stg_orders", "customers", "big_customers")
        ),
    }


def test_a_column_leads_from_dbt_to_the_table_of_airflow(client: TestClient) -> None:
    node = f"datasetField:{WAREHOUSE}:shop.public.big_customers:spent"
    graph = got(client, "column-lineage", nodeId=node)["graph"]

    names = {(each["data"]["dataset"], each["data"]["field"]) for each in graph}
    assert names == {
        ("shop.public.orders", "price"),
        ("shop.public.stg_orders", "price"),
        ("shop.public.customers", "spent"),
        ("shop.public.big_customers", "spent"),
    }


def test_a_model_of_dbt_has_its_query_and_its_tests(client: TestClient) -> None:
    job = got(client, "namespaces/dbt/jobs/shop.public.shop.customers")
    table = got(client, f"{TABLES}/shop.public.stg_orders")

    assert job["facets"]["sql"]["dialect"] == "postgres"
    assert [one["name"] for one in job["inputs"]] == ["shop.public.stg_orders"]
    assert table["facets"]["documentation"]["description"] == "Orders as they came."
    tests = table["facets"]["dataQualityAssertions"]["assertions"]
    assert {one["assertion"] for one in tests if one["column"] == "id"} == {
        "not_null",
        "unique",
    }
    jobs = got(client, "namespaces/dbt/jobs")["jobs"]
    assert [job["outputs"] for job in jobs if job["name"].endswith(".test")] == [[]] * 3


def test_a_table_of_spark_is_one_dataset_by_its_path_and_by_its_name(
    client: TestClient,
) -> None:
    names = [one["name"] for one in got(client, "namespaces/file/datasets")["datasets"]]
    alias = got(client, "namespaces/file%3A%2Fsrv%2Fwarehouse/datasets/default.best")

    assert alias["name"] == BEST
    assert alias["lastLifecycleState"] == "CREATE"
    assert sorted(names) == [
        "/srv/lake/in",
        "/srv/lake/in/customers.csv",
        "/srv/lake/in/orders",
        "/srv/lake/out/sales",
        "/srv/landing/orders.csv",
        BEST,
    ]
    assert upstream(client, f"dataset:file:{BEST}") == {
        f"dataset:file:{BEST}",
        f"job:spark:daily_sales.{INSERT}",
        f"job:spark:daily_sales.{CREATE}",
        "dataset:file:/srv/lake/out/sales",
        f"job:spark:{SALES}",
        "dataset:file:/srv/lake/in/orders",
        "dataset:file:/srv/lake/in/customers.csv",
    }


def test_a_query_of_spark_tells_what_its_columns_are_made_from(
    client: TestClient,
) -> None:
    table = got(client, "namespaces/file/datasets/%2Fsrv%2Flake%2Fout%2Fsales")
    made = {each["name"]: each["inputFields"] for each in table["columnLineage"]}

    assert {
        (each["dataset"], each["field"], each["transformationType"])
        for each in made["revenue"]
    } == {("/srv/lake/in/orders", "price", "AGGREGATION")}
    job = got(client, f"namespaces/spark/jobs/{SALES}")
    assert job["latestRun"]["state"] == "COMPLETED"
    assert job["latestRun"]["facets"]["spark_properties"]
