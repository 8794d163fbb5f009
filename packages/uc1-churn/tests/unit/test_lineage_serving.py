"""What an endpoint and the target list are made from."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from mlops_common.bootstrap import Platform
from uc1_churn.lineage import (
    serving,
)
from uc1_churn.refs import FeaturesRef
from uc1_churn.result import TargetList
from uc1_churn.testing.lineage import (
    ENDPOINT,
    MODEL,
    PARAMS,
    named,
    store,
)


def test_an_endpoint_reads_model_and_features_and_logs_what_it_answers(
    platform: Platform, features: FeaturesRef
) -> None:
    job = serving.job(platform, ENDPOINT, features, PARAMS)

    assert (job.run, job.job) == ("", "serve.churn")
    assert [*map(str, (dataset.name for dataset in job.inputs))] == [
        "mlflow://localhost/churn",
        "kserve://localhost/churn",
        "feast://shop/customer_features",
    ]
    [log] = job.outputs
    assert str(log.name) == "postgres://localhost:5432/mlops.serving.predictions"
    view = "feast://shop/customer_features"
    assert {*map(named, log.origins["probability"])} == {
        ("kserve://localhost/churn", "probability"),
        (view, "age"),
        (view, "city"),
    }
    assert [*map(named, log.origins["features"])] == [(view, "age"), (view, "city")]
    assert [*map(named, log.origins["entity"])] == [(view, "id")]
    assert {*log.origins} < {field.name for field in log.fields}


def test_the_log_has_the_columns_that_its_table_is_created_with() -> None:
    from mlops_common.serving.prediction_log import SQL

    lines = (SQL / "create_predictions.sql").read_text("utf-8").splitlines()
    declared = [" ".join(line.split()) for line in lines]
    for field in serving.LOGGED:
        kind = {"timestamp with time zone": "timestamptz"}.get(field.type, field.type)
        assert any(line.startswith(f"{field.name} {kind}") for line in declared)


def test_the_target_list_is_the_same_in_both_files(
    platform: Platform, features: FeaturesRef, tmp_path: Path
) -> None:
    ranked = {"rank": [1], "id": [2], "probability": [0.9], "expected_value": [61.0]}
    ref = store(platform, tmp_path, "churn-targets", "targets/churn", ranked)
    csv = tmp_path / "targets.csv"
    pyarrow.csv.write_csv(pa.table(ranked), csv)
    targets = TargetList(rows=1, expected_value=61.0, parquet=ref.key, csv=csv)

    stored, text = serving.targeted(platform, MODEL, features, targets)

    assert {field.name for field in stored.fields} == {*stored.origins}
    assert ("mlflow://localhost/churn", "probability") in {
        *map(named, stored.origins["probability"])
    }
    assert text.fields == stored.fields
    assert {*map(named, text.origins["rank"])} == {(str(stored.name), "rank")}
