"""What the steps up to the revision say that they read and write."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mlops_common.bootstrap import Platform
from mlops_common.lineage.sql_lineage import parsed
from mlops_common.postgres.transfer import Extract
from mlops_common.refs import DatasetRef
from uc1_churn.config import CUSTOMERS, DatasetSpec
from uc1_churn.lineage import (
    places,
    source,
)
from uc1_churn.testing.lineage import SPEC, named, origins, store


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
    extract = Extract(rows=1, columns={"id": "int64", "anything": "string"})

    found = source.staged(platform, SPEC, file, extract)

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
