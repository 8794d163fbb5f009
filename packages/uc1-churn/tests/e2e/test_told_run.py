"""The lineage of a whole run: valid events, from a prediction back to its source."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.lineage.store import LineageStore
from mlops_common.testing.lineage_specification import Specification
from uc1_churn.config import CUSTOMERS
from uc1_churn.result import ChurnResult
from uc1_churn.testing.tasks import TASKS

PATIENCE = 60.0  # seconds
FLOW = "churn_prediction_pipeline"
STEPS = (*TASKS, "report_deployment")
EVENTS = "SELECT kind, body FROM lineage.events ORDER BY id"
# Of runs that ended well: one that finds no table cannot tell its columns.
LACKING = """
SELECT DISTINCT datasets.namespace || '/' || datasets.name
FROM lineage.edges
JOIN lineage.datasets ON datasets.id = edges.dataset_id
WHERE NOT EXISTS (
    SELECT FROM lineage.dataset_facets AS told
    WHERE told.dataset_id = datasets.id AND told.name = %s AND NOT told.deleted
)
"""
CLOSURE = """
WITH RECURSIVE upstream (dataset_id, field, job_id) AS (
    SELECT id, 'probability', NULL::integer FROM lineage.datasets
    WHERE name = 'mlops.serving.predictions'
    UNION
    SELECT edges.input_id, edges.input_field, edges.job_id
    FROM upstream
    JOIN lineage.column_edges AS edges
        ON edges.output_id = upstream.dataset_id
        AND edges.output_field = upstream.field
)
SELECT datasets.name, upstream.field, jobs.name, sql.facet ->> 'query'
FROM upstream
JOIN lineage.datasets ON datasets.id = upstream.dataset_id
JOIN lineage.jobs ON jobs.id = upstream.job_id
LEFT JOIN lineage.job_facets AS sql ON sql.job_id = jobs.id AND sql.name = 'sql'
"""
TABLES = """
WITH RECURSIVE upstream (dataset_id) AS (
    SELECT id FROM lineage.datasets WHERE name = 'mlops.serving.predictions'
    UNION
    SELECT read.dataset_id
    FROM upstream
    JOIN lineage.edges AS written
        ON written.dataset_id = upstream.dataset_id AND written.direction = 'w'
    JOIN lineage.edges AS read
        ON read.job_id = written.job_id AND read.direction = 'r'
)
SELECT name FROM upstream JOIN lineage.datasets ON id = dataset_id
"""


# What other tests told of the same home is left out.
OF_FIRST = """
WITH first AS (
    SELECT runs.id, runs.started_at, runs.ended_at
    FROM lineage.runs JOIN lineage.jobs ON jobs.id = runs.job_id
    WHERE jobs.name = %s AND runs.state = 'COMPLETED'
    ORDER BY runs.created_at
    LIMIT 1
)
SELECT events.body
FROM lineage.events, first
WHERE events.run_id = first.id
    OR events.body #>> '{run,facets,parent,run,runId}' = first.id::text
    OR events.run_id IS NULL
        AND events.event_time BETWEEN first.started_at AND first.ended_at
ORDER BY events.id
"""


@pytest.fixture(scope="module")
def told(platform: Platform, first: ChurnResult) -> Iterator[LineageStore]:
    """A store of what the first run told, once all of it has arrived."""
    assert first.decision is not None
    assert platform.lineage is not None
    assert platform.lineage.flush(PATIENCE)
    events = [body for (body,) in rows(platform.lineage_store, OF_FIRST, FLOW)]
    store = LineageStore(platform.postgres, "told_run")
    assert store.ingest(events).refused == ()
    yield store
    store.close()


def rows(store: LineageStore, query: str, *values: str) -> list[tuple[Any, ...]]:
    with store.connect() as connection:
        return connection.execute(query, values or None).fetchall()


def test_every_event_and_each_of_its_facets_is_as_the_specification_says(
    told: LineageStore,
) -> None:
    specification = Specification()
    events = rows(told, EVENTS)
    seen = {name for _, event in events for name in specification.check(event)}
    assert len(events) > 2 * len(STEPS)
    assert seen >= {
        "ParentRunFacet",
        "NominalTimeRunFacet",
        "ProcessingEngineRunFacet",
        "SourceCodeLocationJobFacet",
        "SchemaDatasetFacet",
        "OwnershipDatasetFacet",
        "ColumnLineageDatasetFacet",
        "SQLJobFacet",
        "DatasetVersionDatasetFacet",
        "DataQualityAssertionsDatasetFacet",
        "DataQualityMetricsInputDatasetFacet",
        "OutputStatisticsOutputDatasetFacet",
        "SymlinksDatasetFacet",
        "MlopsModelFacet",
        "MlopsDecisionFacet",
    }


def test_every_step_is_a_job_that_ended_well_below_its_flow(told: LineageStore) -> None:
    query = """
    SELECT jobs.name, runs.parent_id IS NULL, bool_or(runs.state = 'COMPLETED')
    FROM lineage.jobs JOIN lineage.runs ON runs.job_id = jobs.id
    WHERE jobs.name LIKE 'churn_prediction_pipeline%'
    GROUP BY 1, 2
    """
    found = {name: (top, ended) for name, top, ended in rows(told, query)}

    assert found[FLOW] == (True, True)
    for step in STEPS:
        assert found[f"{FLOW}.{step}"] == (False, True)


def test_every_run_tells_its_engine_its_code_and_the_flow_when_it_was_due(
    told: LineageStore,
) -> None:
    runs = [event for kind, event in rows(told, EVENTS) if kind == "run"]

    for event in runs:
        run, job = event["run"]["facets"], event["job"]
        assert run["processing_engine"]["name"] == "Prefect"
        location = job["facets"]["sourceCodeLocation"]
        assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", location["version"])
        assert location["path"].startswith("packages/uc1-churn/src/uc1_churn/")
        assert ("nominalTime" in run) == ("." not in job["name"])
    assert {event["job"]["name"] for event in runs} >= {FLOW, f"{FLOW}.{STEPS[0]}"}


@pytest.mark.parametrize("facet", ["schema", "ownership"])
def test_every_dataset_tells_its_columns_and_its_owner(
    told: LineageStore, facet: str
) -> None:
    assert rows(told, LACKING, facet) == []


def test_a_predicted_probability_leads_to_the_copy_of_each_source_column(
    told: LineageStore,
) -> None:
    source = "customers.public.customers"
    found = [row for row in rows(told, CLOSURE) if row[0] == source]

    features = {*(CUSTOMERS.numeric or ()), *(CUSTOMERS.categorical or ())}
    assert {field for _, field, _, _ in found} >= {*features, CUSTOMERS.label}
    assert {job for _, _, job, _ in found} == {f"{FLOW}.extract_from_postgres"}
    assert all(query.startswith("COPY (") for *_, query in found)


def test_the_log_of_predictions_stands_on_everything_before_it(
    told: LineageStore, first: ChurnResult
) -> None:
    names = {name for (name,) in rows(told, TABLES)}

    assert names >= {
        "customers.public.customers",
        "customers",  # in DVC
        "customer_features",
        first.model.name,
    }
    assert {name.rpartition("/objects/")[2] for name in names} >= {
        "raw/customers",
        "training/customers",
    }


def test_the_version_of_each_dataset_is_that_of_the_run(
    told: LineageStore, first: ChurnResult
) -> None:
    query = """
    SELECT DISTINCT datasets.namespace, told.version
    FROM lineage.dataset_versions AS told
    JOIN lineage.datasets ON datasets.id = told.dataset_id
    """
    versions = {*rows(told, query)}

    assert ("dvc://localhost", first.dataset.revision) in versions
    assert ("mlflow://localhost", str(first.model.version)) in versions
    assert ("kserve://localhost", str(first.model.version)) in versions
    assert ("file", first.dataset.digest) in versions


def test_the_model_tells_the_run_commit_and_metrics_behind_it(
    told: LineageStore, first: ChurnResult
) -> None:
    query = """
    SELECT made.facets -> 'mlops_model'
    FROM lineage.dataset_versions AS made
    JOIN lineage.datasets ON datasets.id = made.dataset_id
    WHERE datasets.namespace = 'mlflow://localhost'
        AND datasets.name = %s AND made.version = %s
    ORDER BY made.created_at
    """
    [facet] = rows(told, query, first.model.name, str(first.model.version))[0]

    assert facet["run_id"] == first.model.run_id
    assert facet["dataset"] == first.dataset.revision
    assert facet["git_commit"]
    assert facet["metrics"]["roc_auc"] == first.metrics["roc_auc"].value
