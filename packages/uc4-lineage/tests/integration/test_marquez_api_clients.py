"""Clients that others wrote for Marquez, against a server that runs."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import uvicorn
from marquez_client import MarquezClient  # type: ignore[import-untyped]
from marquez_client.models import (  # type: ignore[import-untyped]
    DatasetId,
    DatasetType,
    JobType,
)
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import DatasetFacet, schema_dataset
from openlineage.client.transport.http import (
    HttpCompression,
    HttpConfig,
    HttpTransport,
)
from openlineage.client.uuid import generate_new_uuid

from mlops_common.lineage.store import LineageStore
from uc4_lineage.marquez_api.application import application
from uc4_lineage.marquez_api.serving import listening, url
from uc4_lineage.testing.events import DATA, PRODUCER, dataset, run_event

# The client marks most of what it writes as deprecated, in favour of OpenLineage.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def server(store: LineageStore) -> Iterator[str]:
    """The URL of a server on a free port."""
    with listening("127.0.0.1", 0) as listener:
        app = application(store, hosts={"127.0.0.1"})
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started and thread.is_alive():
            time.sleep(0.01)
        yield url(listener)
        running.should_exit = True
        thread.join()


@pytest.fixture
def marquez(server: str) -> MarquezClient:
    return MarquezClient(server)


def test_the_client_of_marquez_declares_what_it_then_reads(
    marquez: MarquezClient,
) -> None:
    marquez.create_namespace("s3://lake", "me", "Ours.")
    marquez.create_source("lake", "s3", "s3://lake", "Our lake.")
    for name in ("raw/orders", "daily"):
        marquez.create_dataset(
            "s3://lake", name, DatasetType.DB_TABLE, name, "lake", "Told.",
            fields=[{"name": "id", "type": "INTEGER"}],
        )  # fmt: skip
    reads, writes = (
        DatasetId("s3://lake", "raw/orders"),
        DatasetId("s3://lake", "daily"),
    )
    marquez.create_job(
        "s3://lake", "a:b/c", JobType.BATCH, inputs=[reads], outputs=[writes]
    )
    marquez.create_tag("PII", "Personal.")
    marquez.tag_dataset("s3://lake", "raw/orders", "PII")
    marquez.tag_dataset_field("s3://lake", "raw/orders", "id", "PII")

    assert marquez.get_namespace("s3://lake")["ownerName"] == "me"
    assert marquez.get_source("lake")["connectionUrl"] == "s3://lake"
    orders = marquez.get_dataset("s3://lake", "raw/orders")
    assert (orders["tags"], orders["fields"][0]["tags"]) == (["PII"], ["PII"])
    job = marquez.get_job("s3://lake", "a:b/c")
    assert [one["name"] for one in job["inputs"]] == ["raw/orders"]
    assert [one["name"] for one in job["outputs"]] == ["daily"]


def test_the_client_of_marquez_runs_a_job(marquez: MarquezClient) -> None:
    marquez.create_namespace("etl", "me")
    marquez.create_job("etl", "load", JobType.BATCH)
    states = []
    for end in (
        marquez.mark_job_run_as_completed,
        marquez.mark_job_run_as_failed,
        marquez.mark_job_run_as_aborted,
    ):
        run = marquez.create_job_run("etl", "load", mark_as_running=True)
        states += [run["state"], end(run["id"])["state"]]
        assert marquez.get_job_run(run["id"])["state"] == states[-1]

    assert states[0::2] == ["RUNNING"] * 3
    assert states[1::2] == ["COMPLETED", "FAILED", "ABORTED"]
    assert len(marquez.list_job_runs("etl", "load")["runs"]) == 3


def test_the_client_of_marquez_lists_and_follows(
    marquez: MarquezClient, store: LineageStore
) -> None:
    made = dataset("clean", {"y": "int"}, {"y": ["raw.x"]})
    store.ingest([run_event("load", [dataset("raw", {"x": "int"})], [made])])

    assert len(marquez.list_namespaces()["namespaces"]) == 2
    assert len(marquez.list_jobs("etl")["jobs"]) == 1
    assert len(marquez.list_datasets(DATA)["datasets"]) == 2
    assert [one["name"] for one in marquez.list_sources()["sources"]] == ["default"]
    assert marquez.list_tags()["tags"] == []
    (version,) = marquez.list_dataset_versions(DATA, "clean")["versions"]
    one = marquez.get_dataset_version(DATA, "clean", version["version"])
    assert one["name"] == "clean"
    for graph in (
        marquez.get_column_lineage_by_dataset(DATA, "clean"),
        marquez.get_column_lineage_by_dataset_field(DATA, "clean", "y"),
        marquez.get_column_lineage_by_job("etl", "load"),
    ):
        assert [node["data"]["field"] for node in graph["graph"]] == ["y", "x"]


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_the_client_of_openlineage_sends_events(
    server: str, marquez: MarquezClient, compression: HttpCompression | None
) -> None:
    config = HttpConfig(url=server, compression=compression)
    client = OpenLineageClient(transport=HttpTransport(config))
    run, job = Run(str(generate_new_uuid())), Job("etl", "load")
    fields = [schema_dataset.SchemaDatasetFacetFields("id", "int")]
    facets: dict[str, DatasetFacet] = {
        "schema": schema_dataset.SchemaDatasetFacet(fields)
    }

    for state in (RunState.START, RunState.COMPLETE):
        client.emit(
            RunEvent(
                eventTime=datetime.now(UTC).isoformat(),
                producer=PRODUCER,
                run=run,
                job=job,
                eventType=state,
                inputs=[InputDataset(DATA, "raw", facets=facets)],
                outputs=[OutputDataset(DATA, "clean", facets=facets)],
            )
        )
    client.close()

    told = marquez.get_job("etl", "load")
    assert told["latestRun"]["id"] == run.runId
    assert told["latestRun"]["state"] == "COMPLETED"
    assert marquez.get_dataset(DATA, "clean")["fields"][0]["name"] == "id"
