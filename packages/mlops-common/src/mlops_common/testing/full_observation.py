"""An observation of a run that says everything that can be said."""

from datetime import UTC, datetime, timedelta

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
from mlops_common.lineage.event import Defaults
from mlops_common.lineage.observation import (
    Code,
    Engine,
    Failure,
    JobRun,
    Observation,
    observed,
)
from mlops_common.lineage.statement import Statement

NOW = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)
DEFAULTS = Defaults("mlops", "team:churn")
RUN = JobRun(run=naming.run_id("task"), job="flow.task")
FLOW = JobRun(run=naming.run_id("flow"), job="flow")
TABLE = naming.postgres_table(None, "shop", "orders")
FILE = naming.versioned("s3://mlops/raw/orders/ab.parquet")
FACETS = {
    "model": {"name": "churn", "version": 3, "metrics": {"auc": 0.8}},
    "decision": {"passed": True, "reasons": ["better"]},
    "skipped": {"reason": "still true", "key": "ab"},
    "attempt": {"number": 1},
    "odd name!": 3,
}


def full() -> Observation:
    """Return an observation that says everything that can be said."""
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
        failure=_failing(),
        inputs=(_table(),),
        outputs=(_written(),),
        statements=(Statement(query="SELECT 1"),),
        facets=FACETS,
    )


def _table() -> Dataset:
    return Dataset(
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


def _written() -> Dataset:
    return Dataset(
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


def _fail() -> None:
    raise OSError("no answer from postgresql://ann:s3cret@db/shop")


def _failing() -> Failure:
    try:
        _fail()
    except OSError as error:
        return Failure.of(error)
    raise AssertionError
