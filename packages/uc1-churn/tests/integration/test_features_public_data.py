"""Features of two public datasets, from the file to the online store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mlops_common.config import read_yaml
from mlops_common.postgres.database import Postgres
from uc1_churn import presets
from uc1_churn.config import DatasetSpec
from uc1_churn.feature_store.historical import schema
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.features.derivation import TIMELESS, derive
from uc1_churn.features.labels import EntityRows, entity_rows
from uc1_churn.features.schema import FeatureTable
from uc1_churn.serving.parity import compare, sample

FILES = {
    "telco": "churn/telco/Telco-Customer-Churn.csv.gz",
    "mlc": "churn/mlc/mlc_churn.csv.gz",
}


@dataclass(frozen=True)
class Prepared:
    spec: DatasetSpec
    table: FeatureTable
    rows: EntityRows
    entity_rows: Path


Prepare = Callable[[str], Prepared]


@pytest.fixture
def prepare(shared_data: Path, tmp_path: Path) -> Prepare:
    def prepared(name: str) -> Prepared:
        file = Path(presets.__file__).with_name(f"{name}.yaml")
        spec = DatasetSpec.model_validate(read_yaml(file)["dataset"])
        extract, features = tmp_path / "extract.parquet", tmp_path / "features.parquet"
        rows = duckdb.read_csv(str(shared_data / FILES[name]))
        if spec.entity not in rows.columns:
            rows = rows.project(f"row_number() OVER () AS {spec.entity}, *")
        rows.write_parquet(str(extract))
        table = FeatureTable(columns=derive(extract, spec, features), path=features)
        labelled = tmp_path / "rows.parquet"
        counts = entity_rows(extract, spec, labelled)
        return Prepared(spec, table, counts, labelled)

    return prepared


def test_telco_has_eleven_customers_without_total_charges(prepare: Prepare) -> None:
    telco = prepare("telco")
    assert telco.rows == EntityRows(rows=7_043, positives=1_869, unlabelled=0)
    columns = telco.table.columns
    assert columns.entity_type == "string"
    assert set(columns.numeric) == {
        "SeniorCitizen",
        "tenure",
        "MonthlyCharges",
        "TotalCharges",
    }
    assert len(columns.categorical) == 15
    features = pq.read_table(telco.table.path)
    assert features["TotalCharges"].null_count == 11
    assert sum(features[name].null_count for name in columns.features) == 11
    assert features["SeniorCitizen"].to_pylist()[:2] == [0.0, 0.0]
    assert pc.unique(features["event_timestamp"]).to_pylist() == [TIMELESS]


def test_mlc_learns_from_its_numbered_rows(prepare: Prepare) -> None:
    mlc = prepare("mlc")
    assert mlc.rows == EntityRows(rows=5_000, positives=707, unlabelled=0)
    assert mlc.table.columns.entity_type == "integer"
    assert len(mlc.table.columns.numeric) == 15
    assert set(mlc.table.columns.categorical) == {
        "state",
        "area_code",
        "international_plan",
        "voice_mail_plan",
    }


@pytest.mark.parametrize("name", ["telco", "mlc"])
def test_online_offline_and_training_values_are_one(
    prepare: Prepare, postgres: Postgres, tmp_path: Path, name: str
) -> None:
    data = prepare(name)
    store = FeatureStore(postgres, tmp_path / "repository", database="public_data")
    target = tmp_path / "training.parquet"
    count = store.training_set(data.table, data.entity_rows, target)
    training = pq.read_table(target)
    columns = data.table.columns
    assert training.schema.equals(schema(columns))
    assert training.num_rows == count == data.rows.rows
    assert pc.sum(training["label"]).as_py() == data.rows.positives
    features = pq.read_table(data.table.path)
    assert training.drop(["label"]).equals(features)

    few = FeatureTable(columns=columns, path=tmp_path / "few.parquet")
    pq.write_table(features.slice(0, 300), few.path)
    store.materialize(few)
    offline = sample(few, 50)
    online = store.online(columns, offline[columns.entity].to_pylist())
    passed = compare(offline, online, key=columns.entity, tolerance=0.0)
    assert (passed.customers, passed.columns) == (50, len(columns.features))
