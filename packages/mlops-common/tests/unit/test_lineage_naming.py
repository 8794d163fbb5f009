"""Names of datasets, held against the naming rules of OpenLineage's own client."""

import subprocess
import sys
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client.naming import dataset as published

from mlops_common.lineage import naming
from mlops_common.lineage.naming import DatasetName


class Published(Protocol):
    def get_namespace(self) -> str: ...

    def get_name(self) -> str: ...


RULES: list[tuple[DatasetName, Published]] = [
    (
        naming.postgres_table("db.example", "shop", "orders", schema="sales"),
        published.Postgres("db.example", "5432", "shop", "sales", "orders"),
    ),
    (
        naming.stored("postgresql://ann:s3cret@db.example/shop.public.orders"),
        published.Postgres("db.example", "5432", "shop", "public", "orders"),
    ),
    (
        naming.stored("s3://mlops/raw/orders.parquet"),
        published.S3("mlops", "raw/orders.parquet"),
    ),
    (naming.stored("s3a://mlops/raw"), published.S3("mlops", "raw")),
    (naming.stored("gs://mlops/raw/a"), published.GCS("mlops", "raw/a")),
    (naming.stored("gcs://mlops/raw/a"), published.GCS("mlops", "raw/a")),
    (naming.stored("/data/a.csv"), published.LocalFileSystem("/data/a.csv")),
    (naming.stored("file:///data/a%20b"), published.LocalFileSystem("/data/a b")),
    (naming.stored("file://nas/data"), published.RemoteFileSystem("nas", "/data")),
    (
        naming.stored("hdfs://namenode:8020/user/a"),
        published.HDFS("namenode", "8020", "/user/a"),
    ),
    (
        naming.stored("abfss://lake@account.dfs.core.windows.net/a/b"),
        published.ABFSS("lake", "account", "a/b"),
    ),
    (
        naming.stored("wasbs://lake@account.dfs.core.windows.net/a/b"),
        published.WASBS("lake", "account", "a/b"),
    ),
    (naming.stored("dbfs://workspace/a"), published.DBFS("workspace", "/a")),
]


@pytest.mark.parametrize(("ours", "rule"), RULES, ids=lambda value: str(value)[:60])
def test_a_name_follows_the_published_rule(ours: DatasetName, rule: Published) -> None:
    assert (ours.namespace, ours.name) == (rule.get_namespace(), rule.get_name())


@pytest.mark.parametrize("host", [None, "", "/run/postgres"])
def test_a_server_on_a_socket_is_that_of_this_machine(host: str | None) -> None:
    assert naming.postgres_server(host) == "postgres://localhost:5432"


@pytest.mark.parametrize(
    "uri",
    ["s3://key:s3cret@mlops/a", "https://ann:s3cret@host/a?password=s3cret#s3cret"],
)
def test_no_password_is_part_of_a_name(uri: str) -> None:
    assert "s3cret" not in str(naming.stored(uri))
    assert "s3cret" not in str(naming.model(uri, "churn"))


def test_the_versions_of_a_dataset_have_one_name() -> None:
    first, second = (
        naming.versioned(f"s3://mlops/raw/customers/{digest}.parquet")
        for digest in ("ab", "cd")
    )

    assert first == second == naming.stored("s3://mlops/raw/customers")


def test_models_endpoints_and_features_have_names_of_the_same_shape() -> None:
    assert str(naming.model(None, "churn")) == "mlflow://localhost/churn"
    assert str(naming.model("http://ml:5000/", "churn")) == "mlflow://ml:5000/churn"
    assert str(naming.endpoint("prod", "churn")) == "kserve://prod/churn"
    assert str(naming.feature_view("shop", "spend")) == "feast://shop/spend"


@given(st.text(), st.text())
def test_any_text_makes_a_name_that_can_be_stored(namespace: str, name: str) -> None:
    made = DatasetName(namespace=namespace, name=name)

    assert "\x00" not in f"{made.namespace}{made.name}"
    f"{made.namespace}{made.name}".encode()
    assert max(len(made.namespace), len(made.name)) <= 2_000


@given(st.lists(st.text(min_size=1), min_size=2, max_size=3))
def test_the_id_of_a_run_depends_on_its_keys_alone(keys: list[str]) -> None:
    assert naming.run_id(*keys) == naming.run_id(*keys)
    assert naming.run_id(*keys) != naming.run_id(*keys, "more")


def test_what_tasks_import_does_not_import_the_client() -> None:
    program = (
        "import sys, mlops_common.lineage.recording, mlops_common.lineage.source\n"
        "import mlops_common.lineage.emission.emitters\n"
        "heavy = {'openlineage', 'openlineage_sql', 'requests', 'psycopg', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert shown.stdout.strip() == "[]"
