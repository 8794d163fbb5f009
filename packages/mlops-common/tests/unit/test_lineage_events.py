"""Events, held against the JSON schemas that OpenLineage publishes, and ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from mlops_common.lineage import naming
from mlops_common.lineage.dataset import (
    Assertion,
    ColumnMetrics,
    Dataset,
    Origin,
    columns,
    copied,
    derived,
)
from mlops_common.lineage.event import Defaults, event
from mlops_common.lineage.facets.own import schemas
from mlops_common.lineage.observation import (
    Code,
    Engine,
    Failure,
    JobRun,
    Observation,
    declared,
    observed,
)
from mlops_common.lineage.receivers.base import Event
from mlops_common.lineage.record import LARGEST, observation, record
from mlops_common.lineage.statement import Statement
from mlops_common.testing.shared import shared

jsonschema: Any = pytest.importorskip("jsonschema")
SPECIFICATION = "data/lineage/openlineage_spec"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
NOW = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)
DEFAULTS = Defaults("mlops", "team:churn")
RUN = JobRun(run=naming.run_id("task"), job="flow.task")
FLOW = JobRun(run=naming.run_id("flow"), job="flow")
TABLE = naming.postgres_table(None, "shop", "orders")
FILE = naming.versioned("s3://mlops/raw/orders/ab.parquet")


def fail() -> None:
    raise OSError("no answer from postgresql://ann:s3cret@db/shop")


def failing() -> Failure:
    try:
        fail()
    except OSError as error:
        return Failure.of(error)
    raise AssertionError


def full() -> Observation:
    """Return an observation that says everything that can be said."""
    table = Dataset(
        name=TABLE,
        fields=columns({"id": "bigint", "amount": "double precision"}),
        version="v1",
        rows=3,
        size=100,
        files=1,
        kind="TABLE",
        source="shop",
        uri="postgresql://ann:s3cret@db/shop",
        owner="user:ann",
        documentation="Orders of the shop.",
        symlinks=(naming.feature_view("shop", "orders"),),
        metrics={"id": ColumnMetrics(nulls=0, distinct=3, quantiles={"0.5": 2})},
        assertions=(
            Assertion(assertion="not_null", success=True, column="id"),
            Assertion(
                assertion="row_count",
                success=False,
                severity="error",
                expected="4",
                actual="3",
            ),
        ),
        facets={"anything": {"a": [1, None]}},
    )
    written = Dataset(
        name=FILE,
        fields=columns({"id": "int64", "spend": "double"}),
        lifecycle="OVERWRITE",
        rows=3,
        origins={
            **copied(TABLE, ["id"]),
            **derived(TABLE, {"spend": ["amount"]}, description="sum by customer"),
        },
        influences=(
            Origin(dataset=TABLE, field="id", type="INDIRECT", subtype="GROUP_BY"),
        ),
        metrics={"spend": ColumnMetrics(min=0, max=9.5)},
        assertions=(Assertion(assertion="not_null", success=True),),
        facets={"model": {"name": "churn", "version": 3}},
    )
    return observed(
        "FAIL",
        RUN,
        NOW,
        parent=FLOW,
        root=FLOW,
        job_type="TASK",
        documentation="Takes the orders out.",
        nominal_start=NOW,
        nominal_end=NOW + timedelta(days=1),
        engine=Engine(name="Prefect", version="3.8.8"),
        code=Code(
            module="uc1_churn.tasks.a",
            distribution="uc1-churn 0.1.0",
            path="src/a.py",
            commit="ab12",
            branch="main",
            repository="https://github.com/org/shop.git",
        ),
        failure=failing(),
        inputs=(table,),
        outputs=(written,),
        statements=(Statement(query="SELECT 1"),),
        facets={
            "model": {"name": "churn", "version": 3, "metrics": {"auc": 0.8}},
            "decision": {"passed": True, "reasons": ["better"]},
            "skipped": {"reason": "still true", "key": "ab"},
            "attempt": {"number": 1},
            "odd name!": 3,
        },
    )


class Published:
    """The published schemas of events and facets, and ours.

    A facet is checked by the version of its schema that is at hand: the client may
    name a newer one.
    """

    def __init__(self) -> None:
        folder = shared(SPECIFICATION)
        files = [folder / "OpenLineage.json", *sorted(folder.glob("facets/*.json"))]
        found = [json.loads(file.read_text("utf-8")) for file in files]
        self.facets = {one["$id"]: one for one in [*found, *schemas().values()]}
        resources = ((k, Resource.from_contents(s)) for k, s in self.facets.items())
        self.registry: Registry[Any] = Registry().with_resources(resources)

    def check(self, told: Event, kind: str = "RunEvent") -> set[str]:
        """Check an event and each facet; return the names of the facets' schemas.

        Raises:
            ValidationError: One is not as its schema wants it.
        """
        self._validate(told, f"{CORE}#/$defs/{kind}")
        seen = set()
        for facet in facets(told):
            name = str(facet["_schemaURL"]).replace("/", ":").rpartition(":")[2]
            self._validate(facet, self._reference(name))
            seen.add(name)
        return seen

    def _reference(self, name: str) -> str:
        """Return the reference to the schema of a facet."""
        known = self.facets
        (found,) = (
            k
            for k in known
            if k.replace("/", ":").endswith((f":{name}", f":{name}.json"))
        )
        return f"{found}#/$defs/{name}" if found.endswith(".json") else found

    def _validate(self, value: Any, reference: str) -> None:
        schema = {"$ref": reference}
        jsonschema.Draft202012Validator(
            schema, registry=self.registry, format_checker=jsonschema.FormatChecker()
        ).validate(value)


def facets(told: Any) -> Iterator[dict[str, Any]]:
    """Yield every facet, wherever it is in an event."""
    if isinstance(told, dict):
        if "_schemaURL" in told:
            yield told
        for value in told.values():
            yield from facets(value)
    elif isinstance(told, list):
        for value in told:
            yield from facets(value)


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


def test_an_event_that_says_everything_is_as_the_schemas_want_it(
    published: Published,
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
    published: Published, state: Any
) -> None:
    told = event(observed(state, RUN, NOW), DEFAULTS)

    published.check(told)
    assert told["eventType"] == state


def test_a_job_without_a_run_has_a_job_event(published: Published) -> None:
    told = event(declared("serve.churn", NOW, inputs=(Dataset(name=FILE),)), DEFAULTS)

    published.check(told, "JobEvent")
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
    assert "test_lineage_events.py" in facet["stackTrace"]
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
    published: Published,
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


def test_an_event_that_is_too_large_keeps_its_datasets(published: Published) -> None:
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
