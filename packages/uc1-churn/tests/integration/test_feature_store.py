"""Feast on its DuckDB offline store and a real PostgreSQL server."""

import gc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_common.errors import BackendError, NotFoundError
from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.features.schema import FeatureTable
from uc1_churn.serving.parity import compare, sample
from uc1_churn.testing.feature_tables import (
    COLUMNS,
    SHAPE,
    Row,
    day,
    write_entities,
    write_features,
)


@pytest.fixture(scope="module")
def store(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    folder = tmp_path_factory.mktemp("repository")
    return FeatureStore(postgres, folder, database="feature_store")


Train = Callable[[Sequence[Row], list[tuple[int, int]]], list[dict[str, Any]]]


@pytest.fixture
def train(store: FeatureStore, tmp_path: Path) -> Train:
    def training_set(
        features: Sequence[Row], entities: list[tuple[int, int]]
    ) -> list[dict[str, Any]]:
        table = write_features(tmp_path / "features.parquet", features)
        rows = write_entities(tmp_path / "rows.parquet", entities)
        target = tmp_path / "training.parquet"
        assert store.training_set(table, rows, target) == len(entities)
        found = pq.read_table(target)
        assert found.schema.equals(SHAPE)
        return list(found.to_pylist())

    return training_set


def oracle(
    features: Sequence[Row], entities: list[tuple[int, int]]
) -> list[tuple[Any, ...]]:
    """Plain Python: of the rows that are not later, the latest."""
    joined = []
    for id_, at in entities:
        known = [row for row in features if row[0] == id_ and row[1] <= at]
        spend, plan = max(known, key=lambda row: row[1])[2:] if known else (None, None)
        joined.append((id_, day(at), spend, plan, (id_ + at) % 2))
    return joined


INSTANTS = st.integers(0, 5)
CUSTOMERS = st.integers(1, 6)
FEATURES = st.lists(
    st.tuples(
        CUSTOMERS,
        INSTANTS,
        st.one_of(st.none(), st.floats(allow_nan=False)),
        st.one_of(
            st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
        ),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda row: (row[0], row[1]),
)


@given(
    features=FEATURES,
    entities=st.lists(st.tuples(CUSTOMERS, INSTANTS), min_size=1, max_size=30),
)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_training_set_equals_an_independent_join(
    train: Train, features: Sequence[Row], entities: list[tuple[int, int]]
) -> None:
    found = train(features, entities)
    assert [tuple(row.values()) for row in found] == oracle(features, entities)


PLANTED = [(1, 0, 10.0, "past"), (1, 4, 999.0, "future"), (2, 3, 999.0, "future")]
ASKED = [(1, 2), (2, 2), (1, 0)]


def assert_no_future_value(rows: list[dict[str, Any]]) -> None:
    assert [row["spend"] for row in rows] == [10.0, None, 10.0]
    assert "future" not in {row["plan"] for row in rows}


def test_a_value_from_the_future_never_enters_training(train: Train) -> None:
    assert_no_future_value(train(PLANTED, ASKED))


def test_the_leakage_test_catches_a_join_of_latest_values(
    train: Train, tmp_path: Path
) -> None:
    train(PLANTED, ASKED)
    latest = duckdb.read_parquet(str(tmp_path / "features.parquet")).aggregate(
        "customer_id, max_by(spend, event_timestamp) AS spend, "
        "max_by(plan, event_timestamp) AS plan"
    )
    asked = duckdb.read_parquet(str(tmp_path / "rows.parquet"))
    naive = asked.join(latest, "customer_id", how="left")
    rows = naive.order("customer_id, event_timestamp DESC").to_arrow_table().to_pylist()
    with pytest.raises(AssertionError):
        assert_no_future_value(rows)


def test_the_online_store_answers_with_the_latest_values_exactly(
    store: FeatureStore, tmp_path: Path
) -> None:
    rows: list[Row] = [
        (1, 0, 0.1, "old"),
        (1, 2, 0.1 + 0.2, None),
        (2, 1, None, "né 🙂"),
        (3, 5, 1.7976931348623157e308, ""),
        (4, 1, -0.0, "x"),
    ]
    table = write_features(tmp_path / "features.parquet", rows)
    assert store.materialize(table) == len(rows)
    found = store.online(COLUMNS, [4, 3, 2, 1, 99])
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (4, -0.0, "x"),
        (3, 1.7976931348623157e308, ""),
        (2, None, "né 🙂"),
        (1, 0.30000000000000004, None),
        (99, None, None),
    ]
    offline = sample(table, 50)
    assert compare(offline, found, key="customer_id", tolerance=0.0).customers == 4


def test_a_later_run_replaces_values_and_columns(
    store: FeatureStore, tmp_path: Path
) -> None:
    store.materialize(write_features(tmp_path / "a.parquet", [(1, 0, 1.0, "a")]))
    table = write_features(tmp_path / "b.parquet", [(1, 1, None, "b")])
    store.materialize(table)
    assert store.online(COLUMNS, [1]).to_pylist() == [
        {"customer_id": 1, "spend": None, "plan": "b"}
    ]
    columns = COLUMNS.model_copy(
        update={"numeric": (), "categorical": ("plan", "spend")}
    )
    wider = pq.read_table(table.path).set_column(2, "spend", pa.array(["much"]))
    pq.write_table(wider, tmp_path / "c.parquet")
    store.materialize(FeatureTable(columns=columns, path=tmp_path / "c.parquet"))
    assert store.online(columns, [1]).to_pylist() == [
        {"customer_id": 1, "plan": "b", "spend": "much"}
    ]


def test_a_materialization_that_was_killed_hinders_nobody(
    store: FeatureStore, tmp_path: Path
) -> None:
    from feast import FeatureViewState

    table = write_features(tmp_path / "features.parquet", [(1, 0, 1.0, "a")])
    store.materialize(table)
    with store._applied(table) as feast:
        view = feast.get_feature_view("customer_features")
        view.state = FeatureViewState.MATERIALIZING
        feast.registry.apply_feature_view(view, feast.project)
    assert store.online(COLUMNS, [1])["spend"].to_pylist() == [1.0]
    store.materialize(write_features(tmp_path / "b.parquet", [(1, 1, 2.0, "a")]))
    assert store.online(COLUMNS, [1])["spend"].to_pylist() == [2.0]


def test_the_feast_command_works_in_the_rendered_folder(
    store: FeatureStore, tmp_path: Path
) -> None:
    from click.testing import CliRunner
    from feast.cli.cli import cli

    store.apply(write_features(tmp_path / "features.parquet", [(1, 0, 1.0, "a")]))
    folder = str(store.folder / "customers")
    listed = CliRunner().invoke(cli, ["-c", folder, "feature-views", "list"])
    assert listed.exit_code == 0, listed.output
    assert "customer_features" in listed.output
    planned = CliRunner().invoke(cli, ["-c", folder, "plan"])
    assert planned.exit_code == 0, planned.output
    assert "Deleted" not in planned.output
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The command leaves its connections open.
        gc.collect()


def test_nothing_is_printed(
    store: FeatureStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store.materialize(write_features(tmp_path / "features.parquet", [(1, 0, 1.0, "a")]))
    assert capfd.readouterr() == ("", "")


def test_an_unknown_dataset_is_not_found_online(store: FeatureStore) -> None:
    columns = COLUMNS.model_copy(update={"dataset": "nowhere"})
    with pytest.raises(NotFoundError, match="run the pipeline first"):
        store.online(columns, [1])


def test_a_feature_file_that_is_gone_is_named(
    store: FeatureStore, tmp_path: Path
) -> None:
    table = write_features(tmp_path / "features.parquet", [(1, 0, 1.0, "a")])
    rows = write_entities(tmp_path / "rows.parquet", [(1, 1)])
    table.path.unlink()
    with pytest.raises(BackendError, match=r"features\.parquet"):
        store.training_set(table, rows, tmp_path / "training.parquet")
    with pytest.raises(BackendError, match=r"features\.parquet"):
        store.materialize(table)


def test_an_unreachable_server_is_named(tmp_path: Path) -> None:
    nowhere = Postgres(PostgresSettings(host="127.0.0.1", port=1), None)
    table = write_features(tmp_path / "features.parquet", [(1, 0, 1.0, "a")])
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:1 cannot be reached"):
        FeatureStore(nowhere, tmp_path).apply(table)
