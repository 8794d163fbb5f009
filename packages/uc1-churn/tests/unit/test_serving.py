from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from mlops_common.errors import ContractError, NotFoundError
from uc1_churn.classifier import CalibratedBooster
from uc1_churn.config import TrainingParams
from uc1_churn.serving.predictor import (
    ChurnPredictor,
    load_pipeline,
    load_predictor,
    score,
)
from uc1_churn.training.fitting import build, features_of, fit, frame

ROWS = 600
PLANS = ("basic", "plus", "", "Ünï")


def customers() -> pa.Table:
    random = np.random.default_rng(4)
    age = random.normal(size=ROWS)
    return pa.table(
        {
            "id": np.arange(ROWS),
            "event_timestamp": pa.array([0] * ROWS, pa.timestamp("us", "UTC")),
            "plan": pa.array([None, *PLANS] * (ROWS // 5)),
            "age": pa.array(age, mask=random.random(ROWS) < 0.2),
            "label": pa.array((age + random.normal(size=ROWS) > 1).astype("int8")),
        }
    )


@pytest.fixture(scope="module", params=["sigmoid", "isotonic"])
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    params = TrainingParams(trees=20, threads=1, calibration=request.param)
    return fit(customers(), "id", params).pipeline


NUMBERS = st.one_of(st.none(), st.just(np.nan), st.floats(-1e300, 1e300))
TEXTS = st.one_of(st.none(), st.sampled_from(PLANS), st.text(max_size=4))


@given(st.lists(st.tuples(NUMBERS, TEXTS), min_size=1, max_size=20))
def test_the_predictor_says_what_the_pipeline_says(
    pipeline: Pipeline, rows: list[tuple[float | None, str | None]]
) -> None:
    import pandas as pd

    age, plan = (list(values) for values in zip(*rows, strict=True))
    data = pd.DataFrame(
        {"age": np.array(age, float), "plan": pd.Series(plan, dtype=object)}
    )

    fast = ChurnPredictor(pipeline).predict({"plan": plan, "age": age})

    slow = pipeline.predict_proba(data)[:, 1]
    assert fast == pytest.approx(slow, rel=0, abs=1e-12)


def test_columns_and_types_are_told_to_the_server(pipeline: Pipeline) -> None:
    predictor = ChurnPredictor(pipeline)

    assert predictor.columns == ("age", "plan")
    assert predictor.datatypes == {"age": "FP64", "plan": "BYTES"}


def test_a_table_is_scored_in_batches_as_row_by_row(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uc1_churn.serving.predictor.BATCH_ROWS", 100)
    table = customers()
    pq.write_table(table, tmp_path / "customers.parquet", row_group_size=170)
    rows = frame(table, features_of(table.schema, "id"))

    chances = score(ChurnPredictor(pipeline), tmp_path / "customers.parquet")

    assert chances == pytest.approx(pipeline.predict_proba(rows)[:, 1], abs=1e-12)


def test_an_empty_table_has_no_scores(pipeline: Pipeline, tmp_path: Path) -> None:
    pq.write_table(customers().slice(0, 0), tmp_path / "empty.parquet")

    assert score(ChurnPredictor(pipeline), tmp_path / "empty.parquet").shape == (0,)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({"age": [1.0]}, "column 'plan' is missing; the model needs age, plan"),
        ({"age": [1.0], "plan": ["a", "b"]}, "'plan' has 2 values, expected 1"),
        ({"age": ["old"], "plan": ["a"]}, "column 'age' takes numbers"),
    ],
)
def test_rows_that_do_not_fit_name_the_column(
    pipeline: Pipeline, rows: dict[str, list[object]], problem: str
) -> None:
    with pytest.raises(ContractError, match=problem):
        ChurnPredictor(pipeline).predict(rows)


def test_a_table_without_a_column_names_it(pipeline: Pipeline, tmp_path: Path) -> None:
    pq.write_table(customers().drop_columns("plan"), tmp_path / "a.parquet")

    with pytest.raises(ContractError, match="column 'plan' is missing"):
        score(ChurnPredictor(pipeline), tmp_path / "a.parquet")


def test_a_stored_model_answers_as_before(pipeline: Pipeline, tmp_path: Path) -> None:
    import skops.io

    skops.io.dump(pipeline, tmp_path / "model.skops")
    rows: dict[str, list[Any]] = {"age": [0.5, None], "plan": ["plus", None]}

    loaded = load_predictor(tmp_path).predict(rows)

    assert loaded.tolist() == ChurnPredictor(pipeline).predict(rows).tolist()


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_a_model_may_have_features_of_one_kind_only(kind: str) -> None:
    dropped = "plan" if kind == "numeric" else "age"
    table = customers().drop_columns(dropped)
    params = TrainingParams(trees=5, threads=1)
    rows = frame(table, features_of(table.schema, "id"))
    fitted = build(features_of(table.schema, "id"), params)
    fitted.fit(rows, table["label"].to_numpy())

    predictor = ChurnPredictor(fitted)

    values = {name: rows[name].tolist() for name in predictor.columns}
    expected = fitted.predict_proba(rows)[:, 1]
    assert predictor.predict(values) == pytest.approx(expected, abs=1e-12)


def test_no_model_and_strange_models_are_told_apart(tmp_path: Path) -> None:
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    skops.io.dump([1], tmp_path / "list.skops")
    skops.io.dump(FunctionTransformer(Path.cwd), tmp_path / "strange.skops")
    (tmp_path / "bytes.skops").write_bytes(b"no zip")

    with pytest.raises(NotFoundError, match="no model at"):
        load_predictor(tmp_path)
    with pytest.raises(ContractError, match="holds a list, no churn model"):
        load_pipeline(tmp_path / "list.skops")
    for name in ("strange", "bytes"):
        with pytest.raises(ContractError, match="is not a churn model of ours"):
            load_pipeline(tmp_path / f"{name}.skops")


def test_what_stored_models_and_running_endpoints_name_is_where_they_name_it() -> None:
    assert resolve_name("uc1_churn.serving:load_predictor") is load_predictor
    assert resolve_name("uc1_churn.classifier:CalibratedBooster") is CalibratedBooster
    assert CalibratedBooster.__module__ == "uc1_churn.classifier"
