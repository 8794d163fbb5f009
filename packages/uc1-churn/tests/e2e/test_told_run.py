"""The lineage of a whole run: valid events, from a prediction back to its source."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)
from referencing import Registry, Resource

from mlops_common.bootstrap import Platform
from mlops_common.lineage.facets.own import schemas
from mlops_common.testing.shared import shared
from uc1_churn.config import CUSTOMERS
from uc1_churn.result import ChurnResult

PATIENCE = 60.0  # seconds
FLOW = "churn_prediction_pipeline"
STEPS = (
    "extract_from_postgres",
    "upload_to_minio",
    "version_with_dvc",
    "validate_with_great_expectations",
    "materialize_feast_features",
    "trigger_kubeflow_training",
    "judge_challenger",
    "deploy_to_kserve",
    "write_target_list",
    "report_deployment",
)
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
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


@pytest.fixture(scope="module")
def told(platform: Platform, first: ChurnResult) -> Platform:
    """The platform, once all that the first run told has arrived."""
    assert first.decision is not None
    assert platform.lineage is not None
    assert platform.lineage.flush(PATIENCE)
    return platform


def rows(platform: Platform, query: str, *values: str) -> list[tuple[Any, ...]]:
    with platform.lineage_store.connect() as connection:
        return connection.execute(query, values or None).fetchall()


def facets(value: Any) -> Iterator[dict[str, Any]]:
    """Yield whatever has a schema of its own, however deep."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for below in value.values():
            yield from facets(below)
    elif isinstance(value, list):
        for below in value:
            yield from facets(below)


class Specification:
    """The published JSON schemas, and ours."""

    def __init__(self) -> None:
        folder = shared("data/lineage/openlineage_spec")
        files = [folder / "OpenLineage.json", *(folder / "facets").glob("*.json")]
        found = [json.loads(file.read_text("utf-8")) for file in files]
        known = {one["$id"]: one for one in [*found, *schemas().values()]}
        self.registry: Registry[Any] = Registry().with_resources(
            (name, Resource.from_contents(schema)) for name, schema in known.items()
        )
        self.references = dict(self._references(known))

    def check(self, value: Any, reference: str) -> None:
        """Raise `ValidationError` where a value is not as its schema wants it."""
        Draft202012Validator(
            {"$ref": reference},
            registry=self.registry,
            format_checker=FormatChecker(),
        ).validate(value)

    @staticmethod
    def _references(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for name, schema in known.items():
            if name.startswith("urn:"):
                yield name.rpartition(":")[2], name
            for defined in schema.get("$defs", {}):
                yield defined, f"{name}#/$defs/{defined}"


def test_every_event_and_each_of_its_facets_is_as_the_specification_says(
    told: Platform,
) -> None:
    specification = Specification()
    seen = set()
    events = rows(told, EVENTS)
    for kind, event in events:
        specification.check(event, f"{CORE}#/$defs/{kind.title()}Event")
        for facet in facets(event):
            name = facet["_schemaURL"].replace(":", "/").rpartition("/")[2]
            specification.check(facet, specification.references[name])
            seen.add(name)
    assert len(events) > 2 * len(STEPS)
    assert seen >= {
        "ParentRunFacet",
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


def test_every_step_is_a_job_that_ended_well_below_its_flow(told: Platform) -> None:
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


@pytest.mark.parametrize("facet", ["schema", "ownership"])
def test_every_dataset_tells_its_columns_and_its_owner(
    told: Platform, facet: str
) -> None:
    assert rows(told, LACKING, facet) == []


def test_a_predicted_probability_leads_to_the_copy_of_each_source_column(
    told: Platform,
) -> None:
    source = "customers.public.customers"
    found = [row for row in rows(told, CLOSURE) if row[0] == source]

    features = {*(CUSTOMERS.numeric or ()), *(CUSTOMERS.categorical or ())}
    assert {field for _, field, _, _ in found} >= {*features, CUSTOMERS.label}
    assert {job for _, _, job, _ in found} == {f"{FLOW}.extract_from_postgres"}
    assert all(query.startswith("COPY (") for *_, query in found)


def test_the_log_of_predictions_stands_on_everything_before_it(
    told: Platform, first: ChurnResult
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
    told: Platform, first: ChurnResult
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
    told: Platform, first: ChurnResult
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
