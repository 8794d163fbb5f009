"""What each step says that it reads and writes, down to the columns."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.lineage.dataset import Dataset, Origin
from mlops_common.lineage.sql_lineage import parsed
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.local import LocalObjectStore
from mlops_common.refs import DatasetRef, EndpointRef, ModelRef
from mlops_common.sections import FeastSettings, PostgresSettings, RedisSettings
from mlops_common.settings import Settings
from uc1_churn.config import CUSTOMERS, ChurnParams, DatasetSpec
from uc1_churn.features.schema import FeatureSchema
from uc1_churn.lineage import features as features_lineage
from uc1_churn.lineage import (
    models,
    places,
    reports,
    serving,
    source,
    tables,
)
from uc1_churn.refs import FeaturesRef
from uc1_churn.result import TargetList
from uc1_churn.tables.staging import StagedTable
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingRequest

SPEC = DatasetSpec(name="shop", table="sales.clients", entity="id", timestamp="at")
SHAPE = FeatureSchema(
    dataset="shop",
    entity="id",
    entity_type="integer",
    numeric=("age",),
    categorical=("city",),
    timestamp="at",
)
MODEL = ModelRef(name="churn", version=7, run_id="r", uri="file:///m", digest="d")
ENDPOINT = EndpointRef(name="churn", url="http://127.0.0.1:1", model=MODEL)
PARAMS = ChurnParams(model_name="churn", dataset=SPEC)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(Settings(home=tmp_path))


@pytest.fixture
def raw(platform: Platform, tmp_path: Path) -> DatasetRef:
    """A revision of a dataset, stored."""
    table = {
        "id": [1, 2],
        "age": [41.0, None],
        "city": ["Ulm", "Bonn"],
        "churn": [0, 1],
    }
    ref = store(platform, tmp_path, "shop", "raw/shop", table)
    return ref.model_copy(update={"revision": "shop@v3"})


@pytest.fixture
def features(platform: Platform, tmp_path: Path) -> FeaturesRef:
    """The features of two customers, and their training set, stored."""
    table = {
        "id": [1, 2],
        "event_timestamp": [0, 0],
        "age": [4.0, 5.0],
        "city": ["", ""],
    }
    known = {**table, "label": [0, 1]}
    return FeaturesRef(
        columns=SHAPE,
        table=store(platform, tmp_path, "shop-features", "features/shop", table),
        training_set=store(platform, tmp_path, "shop-training", "training/shop", known),
    )


def store(
    platform: Platform,
    folder: Path,
    name: str,
    prefix: str,
    table: Mapping[str, object],
) -> DatasetRef:
    file = folder / f"{name}.parquet"
    pq.write_table(pa.table(dict(table)), file)
    return platform.datasets.store(name, file, prefix=prefix)


def origins(dataset: Dataset) -> dict[str, list[str]]:
    """Return the source columns of each column, as `name of dataset.column`."""
    return {
        column: [f"{Path(found.dataset.name).name}.{found.field}" for found in sources]
        for column, sources in dataset.origins.items()
    }


def named(origin: Origin) -> tuple[str, str]:
    return str(origin.dataset), origin.field


def test_the_copy_reads_the_columns_of_the_source_table_as_they_are(
    platform: Platform,
) -> None:
    said = source.statement(platform, CUSTOMERS)

    assert said.query.startswith('COPY (SELECT "customer_id"')
    assert said.output == places.staged(platform, "customers")
    found = parsed(said)
    table = places.source_table(platform, "customers")
    assert found.inputs == (table,)
    named_features = (*(CUSTOMERS.numeric or ()), *(CUSTOMERS.categorical or ()))
    for column in ("customer_id", "churn", "observed_at", *named_features):
        assert [(o.dataset, o.field) for o in found.origins[column]] == [
            (table, column)
        ]


def test_a_query_of_ones_own_tells_the_columns_behind_an_alias(
    platform: Platform,
) -> None:
    query = "SELECT c.id, c.a + o.b AS spend FROM crm.c JOIN o ON o.id = c.id;"
    spec = DatasetSpec(name="shop", query=query, entity="id")

    found = parsed(source.statement(platform, spec))

    server = "postgres://localhost:5432/customers"
    assert {str(table) for table in found.inputs} == {
        f"{server}.crm.c",
        f"{server}.public.o",
    }
    assert {named(origin) for origin in found.origins["spend"]} == {
        (f"{server}.crm.c", "a"),
        (f"{server}.public.o", "b"),
    }


def test_the_staged_file_has_the_name_of_no_passing_folder(
    platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "tmp1234" / "shop.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"id": [1], "anything": ["x"]}), file)

    found = source.staged(platform, SPEC, StagedTable(name="shop", path=file, rows=1))

    assert "tmp1234" not in str(found.name)
    assert [(field.name, field.type) for field in found.fields] == [
        ("id", "int64"),
        ("anything", "string"),
    ]
    assert (found.rows, found.size) == (1, file.stat().st_size)
    assert origins(found) == {
        "id": ["customers.sales.clients.id"],
        "anything": ["customers.sales.clients.anything"],
    }


def test_all_objects_of_a_dataset_are_its_versions(
    platform: Platform, raw: DatasetRef, tmp_path: Path
) -> None:
    other = store(platform, tmp_path, "shop", "raw/shop", {"id": [3]})
    staged = places.staged(platform, "shop")

    first = source.uploaded(platform, staged, raw)
    second = source.uploaded(platform, staged, other)

    assert first.name == second.name
    assert first.name.name.endswith("objects/raw/shop")
    assert (first.version, second.version) == (raw.digest, other.digest)
    assert origins(first)["age"] == ["shop.parquet.age"]


def test_the_revision_is_the_version_of_the_dataset_in_dvc(
    platform: Platform, raw: DatasetRef
) -> None:
    found = source.versioned(platform, raw)

    assert str(found.name) == "dvc://localhost/shop"
    assert found.version == "shop@v3"
    assert {*map(named, found.origins["churn"])} == {
        (str(places.stored(platform, raw.key)), "churn")
    }


def test_each_feature_leads_to_its_source_column(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> None:
    found = features_lineage.derived_table(platform, raw, features)

    assert origins(found) == {
        "id": ["shop.id"],
        "age": ["shop.age"],
        "city": ["shop.city"],
        "event_timestamp": ["shop.at"],
    }
    assert {field.name for field in found.fields} == {*found.origins}


def test_a_training_set_is_joined_of_labels_and_features(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> None:
    found = features_lineage.training_set(platform, raw, SPEC, features)

    table = places.stored(platform, features.table.key)
    assert {*map(named, found.origins["age"])} == {(str(table), "age")}
    assert origins(found)["label"] == ["shop.churn"]
    assert {field.name for field in found.fields} == {*found.origins}
    assert {(o.field, o.subtype) for o in found.influences} == {
        ("id", "JOIN"),
        ("event_timestamp", "JOIN"),
    }


def test_a_dataset_without_instants_tells_none(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> None:
    shape = SHAPE.model_copy(update={"timestamp": None})
    timeless = features.model_copy(update={"columns": shape})

    found = features_lineage.derived_table(platform, raw, timeless)

    assert "event_timestamp" not in found.origins


def test_online_features_are_those_of_the_definitions_and_a_table_of_postgres(
    platform: Platform, features: FeaturesRef
) -> None:
    found = features_lineage.online(platform, features)

    assert str(found.name) == "feast://shop/customer_features"
    assert {field.name: field.type for field in found.fields} == {
        "id": "Int64",
        "age": "Float64",
        "city": "String",
    }
    assert {field.name for field in found.fields} == {*found.origins}
    assert [*map(str, found.symlinks)] == [
        "postgres://localhost:5432/feast.public.shop_customer_features"
    ]


@pytest.mark.parametrize(
    ("feast", "symlinks"),
    [
        (FeastSettings(redis=RedisSettings(host="cache")), []),
        (
            FeastSettings(postgres=PostgresSettings(host="other", port=6543)),
            ["postgres://other:6543/feast.public.shop_customer_features"],
        ),
    ],
    ids=["redis", "a server of its own"],
)
def test_online_features_are_where_the_settings_say(
    tmp_path: Path, features: FeaturesRef, feast: FeastSettings, symlinks: list[str]
) -> None:
    platform = Platform(Settings(home=tmp_path, feast=feast))

    assert [*map(str, features_lineage.view(platform, features).symlinks)] == symlinks


def test_a_version_of_a_model_says_what_it_is(platform: Platform) -> None:
    found = models.version(platform, MODEL)

    assert (found.version, found.facets["model"]["run_id"]) == ("7", "r")
    assert [field.name for field in found.fields] == ["probability"]


def test_the_output_of_a_model_is_made_from_every_column_that_it_learns_from(
    platform: Platform, features: FeaturesRef
) -> None:
    found = models.learnt(platform, features)

    assert [origin.field for origin in found["probability"]] == ["age", "city", "label"]


def test_a_registered_version_tells_what_its_training_left(
    platform: Platform, features: FeaturesRef
) -> None:
    request = TrainingRequest(
        dataset=features.training_set, params=PARAMS, run_key="monday", git_commit="now"
    )
    left = {"git_commit": "then", "metrics": {"roc_auc": 0.8}}
    outcome.keep_facts(platform.objects, "monday", left)

    told = models.registered(platform, MODEL, features, request).facets["model"]

    assert told["metrics"] == {"roc_auc": 0.8}
    assert (told["git_commit"], told["run_key"]) == ("then", "monday")
    assert (told["run_id"], told["experiment"]) == ("r", "churn")


def test_a_version_of_before_tells_what_is_known_without_asking(
    platform: Platform, features: FeaturesRef
) -> None:
    request = TrainingRequest(
        dataset=features.training_set, params=PARAMS, run_key="monday", git_commit="now"
    )

    told = models.registered(platform, MODEL, features, request).facets["model"]

    assert (told["git_commit"], told["metrics"]) == ("now", {})


def test_training_goes_on_where_its_facts_cannot_be_left(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise BackendError("the disk is full")

    monkeypatch.setattr(LocalObjectStore, "put", refuse)

    outcome.keep_facts(platform.objects, "monday", {"metrics": {}})

    assert outcome.facts(platform.objects, "monday") == {}


def test_an_object_is_looked_at_once(
    platform: Platform, features: FeaturesRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = features_lineage.read(platform, features)

    def gone(_: object, __: object) -> None:
        raise AssertionError("it was looked at again")

    monkeypatch.setattr(tables, "_described", gone)

    assert features_lineage.read(platform, features) == first
    assert first.version == features.table.digest


def test_an_object_elsewhere_is_told_by_the_copy_that_this_machine_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(LocalObjectStore):
        def uri(self, key: str) -> str:
            return f"s3://lake/{key}"

    class Away(Platform):
        @functools.cached_property
        def objects(self) -> ObjectStore:
            return Elsewhere(self.settings.home / "elsewhere")

    def fetch(_: object, key: str) -> NoReturn:
        raise AssertionError(f"{key} was fetched")

    platform = Away(Settings(home=tmp_path))
    ref = store(platform, tmp_path, "shop", "raw/shop", {"id": [1, 2]})
    monkeypatch.setattr(Elsewhere, "open", fetch)

    found = source.stored(platform, ref)

    assert (found.rows, found.uri) == (2, f"s3://lake/{ref.key}")


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


def test_the_pages_of_all_versions_are_one_dataset(tmp_path: Path) -> None:
    other = MODEL.model_copy(update={"version": 8})

    first = reports.page(MODEL, tmp_path / "churn-v7.html")
    second = reports.page(other, tmp_path / "churn-v8.html")

    assert first.name == second.name
    assert (first.version, second.version) == ("7", "8")


def test_nested_columns_are_not_counted(tmp_path: Path) -> None:
    file = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"id": [1], "place": [{"x": 1, "y": 2}]}), file)

    assert tables.metrics(file) == {}


def test_a_cluster_and_a_bucket_have_other_names(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "home": tmp_path,
            "postgres": {"host": "DB.example", "port": 6432, "database": "crm"},
            "minio": {"endpoint": "http://minio:9000", "bucket": "lake"},
            "mlflow": {"tracking_uri": "https://ann:s3cret@mlflow.example"},
            "kserve": {"host": "https://k8s"},
        }
    )
    platform = Platform(settings)
    raw = DatasetRef(
        name="shop", key="raw/shop/ab.parquet", digest="ab", rows=1, revision="shop@v1"
    )

    assert [
        str(places.source_table(platform, "sales.clients")),
        str(places.stored(platform, raw.key)),
        str(places.revised(platform, raw)),
        str(places.model(platform, "churn")),
        str(places.endpoint(platform, "churn", "models")),
        str(places.prediction_log(platform)),
    ] == [
        "postgres://db.example:6432/crm.sales.clients",
        "s3://lake/raw/shop",
        "dvc://lake/shop",
        "mlflow://mlflow.example:443/churn",
        "kserve://models/churn",
        "postgres://db.example:6432/mlops.serving.predictions",
    ]
