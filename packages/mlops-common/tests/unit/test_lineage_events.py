"""Events, held against the JSON schemas that OpenLineage publishes, and ours."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_common.lineage import naming
from mlops_common.lineage.dataset import (
    ColumnMetrics,
    Dataset,
    columns,
    copied,
)
from mlops_common.lineage.event import Defaults, event
from mlops_common.lineage.facets.own import schemas
from mlops_common.lineage.observation import (
    Failure,
    JobRun,
    declared,
    observed,
)
from mlops_common.lineage.record import LARGEST, observation, record
from mlops_common.lineage.statement import Statement
from mlops_common.testing.full_observation import (
    DEFAULTS,
    FILE,
    FLOW,
    NOW,
    RUN,
    TABLE,
    full,
)
from mlops_common.testing.lineage_specification import Specification

jsonschema: Any = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def published() -> Specification:
    return Specification()


def test_an_event_that_says_everything_is_as_the_schemas_want_it(
    published: Specification,
) -> None:
    assert published.check(event(full(), DEFAULTS)) == {
        "ColumnLineageDatasetFacet",
        "DataQualityAssertionsDatasetFacet",
        "DataQualityMetricsDatasetFacet",
        "DataQualityMetricsInputDatasetFacet",
        "DatasetTypeDatasetFacet",
        "DatasetVersionDatasetFacet",
        "DatasourceDatasetFacet",
        "DocumentationDatasetFacet",
        "DocumentationJobFacet",
        "ErrorMessageRunFacet",
        "InputStatisticsInputDatasetFacet",
        "JobTypeJobFacet",
        "LifecycleStateChangeDatasetFacet",
        "MlopsAttemptFacet",
        "MlopsCodeFacet",
        "MlopsDecisionFacet",
        "MlopsFacet",
        "MlopsLocationFacet",
        "MlopsModelFacet",
        "MlopsSkippedFacet",
        "NominalTimeRunFacet",
        "OutputStatisticsOutputDatasetFacet",
        "OwnershipDatasetFacet",
        "ParentRunFacet",
        "ProcessingEngineRunFacet",
        "SQLJobFacet",
        "SchemaDatasetFacet",
        "SourceCodeLocationJobFacet",
        "SymlinksDatasetFacet",
    }


@pytest.mark.parametrize(
    "state", ["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]
)
def test_an_event_that_says_least_is_as_the_schemas_want_it(
    published: Specification, state: Any
) -> None:
    told = event(observed(state, RUN, NOW), DEFAULTS)

    published.check(told)
    assert told["eventType"] == state


def test_a_job_whose_type_is_not_known_tells_none() -> None:
    ended = observed("ABORT", JobRun(run=naming.run_id("lost"), job="flow"), NOW)

    assert "jobType" not in event(ended, DEFAULTS)["job"]["facets"]


def test_a_job_without_a_run_has_a_job_event(published: Specification) -> None:
    service = declared(
        "serve.churn", NOW, job_type="ENDPOINT", inputs=(Dataset(name=FILE),)
    )
    told = event(service, DEFAULTS)

    published.check(told)
    assert "run" not in told
    assert told["job"]["facets"]["jobType"]["processingType"] == "SERVICE"


def test_no_password_is_told() -> None:
    told = json.dumps(event(full(), DEFAULTS))

    assert "s3cret" not in told
    assert "ann:***@db" in told


def test_a_data_source_has_its_own_address_and_a_dataset_its_own() -> None:
    (facets,) = (one["facets"] for one in event(full(), DEFAULTS)["inputs"])

    assert facets["dataSource"]["uri"] == TABLE.namespace
    assert facets["mlops_location"]["uri"] == "postgresql://ann:***@db/shop"


def test_a_stack_is_told_with_an_error() -> None:
    facet = event(full(), DEFAULTS)["run"]["facets"]["errorMessage"]

    assert facet["message"].startswith("OSError: no answer")
    assert "full_observation.py" in facet["stackTrace"]
    assert facet["programmingLanguage"] == "python"


def test_an_error_that_cannot_tell_what_it_is_is_told_by_its_type() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    assert Failure.of(MuteError()).message == "MuteError"


def test_a_password_at_the_end_of_what_fits_is_hidden() -> None:
    text = "x" * (64_000 - 50) + " http://ann:s3cret" + "s3cret" * 20 + "@db" + "y" * 99

    assert "s3cret" not in Failure.of(OSError(text)).message


def test_a_step_knows_its_flow_and_the_root_of_all() -> None:
    seen = full().model_copy(
        update={"root": JobRun(run=naming.run_id("r"), job="root", namespace="other")}
    )
    parent = event(seen, DEFAULTS)["run"]["facets"]["parent"]

    assert (parent["job"]["namespace"], parent["job"]["name"]) == ("mlops", "flow")
    assert parent["run"]["runId"] == FLOW.run
    assert parent["root"]["job"]["namespace"] == "other"
    assert parent["root"]["run"]["runId"] == naming.run_id("r")


def test_what_is_written_has_an_owner() -> None:
    told = event(observed("START", RUN, NOW, outputs=(Dataset(name=FILE),)), DEFAULTS)
    nobody = event(
        observed("START", RUN, NOW, outputs=(Dataset(name=FILE),)), Defaults("mlops")
    )

    owners = [
        one["outputs"][0]["facets"]["ownership"]["owners"][0]["name"]
        for one in (told, nobody)
    ]
    assert owners[0] == "team:churn"
    assert owners[1].startswith("user:")


def test_sql_tells_its_tables_and_columns() -> None:
    statement = Statement(
        query="COPY (SELECT id, a + b AS total FROM orders) TO STDOUT",
        server="postgres://localhost:5432",
        database="shop",
        output=FILE,
    )
    said = Dataset(name=FILE, rows=3, origins=copied(TABLE, ["id"]))
    seen = observed("COMPLETE", RUN, NOW, outputs=(said,), statements=(statement,))
    told = event(seen, DEFAULTS)

    assert [one["name"] for one in told["inputs"]] == ["shop.public.orders"]
    (output,) = told["outputs"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 3
    fields = output["facets"]["columnLineage"]["fields"]
    assert [one["field"] for one in fields["total"]["inputFields"]] == ["a", "b"]
    # What was said of a column is better than what was guessed.
    (origin,) = fields["id"]["inputFields"]
    assert origin["transformations"][0]["subtype"] == "IDENTITY"


def test_sql_that_is_too_long_to_be_looked_at_is_told_as_such() -> None:
    query = f"SELECT {'+'.join(['a'] * 9_000)} AS c FROM orders"  # noqa: S608
    statement = Statement(query=query, output=FILE)
    seen = observed("COMPLETE", RUN, NOW, statements=(statement,))
    told = event(seen, DEFAULTS)

    assert told["job"]["facets"]["mlops_sql"]["skipped"] == 1
    assert [one["name"] for one in told["outputs"]] == [FILE.name]


def test_a_star_takes_the_columns_that_the_table_has() -> None:
    statement = Statement(
        query="COPY (SELECT * FROM orders) TO STDOUT",
        server="postgres://localhost:5432",
        database="shop",
        output=FILE,
    )
    table = Dataset(name=TABLE, fields=columns({"id": "bigint", "amount": "float8"}))
    seen = observed("COMPLETE", RUN, NOW, inputs=(table,), statements=(statement,))
    (output,) = event(seen, DEFAULTS)["outputs"]

    assert list(output["facets"]["columnLineage"]["fields"]) == ["id", "amount"]


def test_a_record_says_what_was_observed() -> None:
    assert observation(record(full())) == full()


TEXTS = st.text(max_size=20)


@settings(max_examples=50)
@given(TEXTS, TEXTS, TEXTS, st.floats(), st.dictionaries(TEXTS, st.floats()))
def test_hostile_text_and_numbers_make_events_that_can_be_told(
    published: Specification,
    name: str,
    column: str,
    query: str,
    number: float,
    noted: dict[str, float],
) -> None:
    dataset = Dataset(
        name=naming.DatasetName(namespace=name, name=column),
        fields=columns({column: query}),
        metrics={column: ColumnMetrics(sum=number, quantiles={"0.5": number})},
        origins=copied(TABLE, [column]),
        facets={name: noted},
    )
    seen = observed(
        "COMPLETE",
        JobRun(run=RUN.run, job=name),
        NOW,
        inputs=(dataset,),
        outputs=(dataset,),
        statements=(Statement(query=query),),
        facets={name: {column: number}},
    )
    told = event(observation(record(seen)), DEFAULTS)

    published.check(told)
    json.dumps(told, allow_nan=False).encode()


def test_an_event_that_is_too_large_keeps_its_datasets(
    published: Specification,
) -> None:
    wide = Dataset(
        name=FILE,
        rows=3,
        fields=columns(
            {f"column {number} {'x' * 1_200}": "int" for number in range(2_000)}
        ),
    )
    seen = observed("COMPLETE", RUN, NOW, outputs=(wide,), parent=FLOW)

    kept = record(seen)
    told = event(observation(kept), DEFAULTS)

    assert len(kept) < LARGEST < len(seen.model_dump_json())
    assert "MlopsStrippedFacet" in published.check(told)
    assert told["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert told["run"]["facets"]["parent"]["run"]["runId"] == FLOW.run


def test_an_event_of_very_many_datasets_keeps_a_thousand() -> None:
    many = tuple(Dataset(name=naming.stored(f"/a/{n}")) for n in range(2_001))
    kept = observation(record(observed("COMPLETE", RUN, NOW, inputs=many)))

    assert kept.inputs == many[:1_000]
    assert kept.facets["stripped"]["inputs"] == 2_001


def test_each_of_our_schemas_names_itself() -> None:
    for name, schema in schemas().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$id"].endswith(f":{name}")
        assert schema["properties"]["_schemaURL"]["const"] == schema["$id"]
