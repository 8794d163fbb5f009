from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.simulation import SCHEMA
from uc1_churn.config import CUSTOMERS, DatasetSpec
from uc1_churn.validation.contract import (
    SHIPPED,
    TableContract,
    contract_of,
    kind_of,
    load_contract,
    resolve,
)

COLUMNS = """
name: demo
columns:
  id: {kind: integer}
  churn: {kind: text}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "contract.yaml"
    file.write_text(text)
    return file


def parquet(folder: Path, **columns: Any) -> Path:
    file = folder / "table.parquet"
    pq.write_table(pa.table(columns), file)
    return file


@pytest.mark.parametrize("name", sorted(Path(f.name).stem for f in SHIPPED.iterdir()))
def test_every_shipped_contract_loads_under_its_own_name(name: str) -> None:
    assert load_contract(name).name == name


def test_the_customers_contract_fits_the_simulated_table() -> None:
    contract = load_contract("customers")

    assert list(contract.columns) == SCHEMA.names
    assert {name: column.kind for name, column in contract.columns.items()} == {
        field.name: kind_of(field.type) for field in SCHEMA
    }


def test_a_contract_can_be_a_file(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, f"{COLUMNS}key: [id]\nlabel: churn\n"))

    assert contract.columns["id"].kind == "integer"
    assert (contract.key, contract.label, contract.min_rows) == (("id",), "churn", 1)


def test_an_unknown_contract_is_told_with_the_shipped_names() -> None:
    with pytest.raises(NotFoundError, match=r"'custmers'.*one of customers, telco"):
        load_contract("custmers")


@pytest.mark.parametrize(
    ("addition", "message"),
    [
        ("keys: [id]", r"unknown key 'keys' .*contract\.yaml.*allowed: .*key"),
        ("key: [ident]", "column 'ident' has a role but no entry in columns"),
        ("label: left", "column 'left' has a role"),
        ("timestamp: id", "column 'id' must be of kind timestamp"),
        ("max_age_days: 3", "max_age_days needs a timestamp"),
        ("min_rows: 0", "min_rows"),
    ],
)
def test_a_contract_that_does_not_fit_names_the_key(
    tmp_path: Path, addition: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_contract(write(tmp_path, f"{COLUMNS}{addition}\n"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("{kind: integer, minimum: 2, maximum: 1}", "minimum is above the maximum"),
        ("{kind: text, minimum: 2}", "a text has no minimum"),
        ("{kind: decimal}", "columns.id.kind"),
        ("{kind: integer, maximal: 2}", "maximal"),
    ],
)
def test_a_column_that_does_not_fit_is_named(
    tmp_path: Path, column: str, message: str
) -> None:
    text = f"name: demo\ncolumns:\n  id: {column}\n"

    with pytest.raises(ConfigError, match=message):
        load_contract(write(tmp_path, text))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (pa.uint8(), "integer"),
        (pa.int64(), "integer"),
        (pa.float32(), "number"),
        (pa.decimal128(12, 2), "number"),
        (pa.large_string(), "text"),
        (pa.dictionary(pa.int8(), pa.string()), "text"),
        (pa.bool_(), "boolean"),
        (pa.timestamp("ns"), "timestamp"),
        (pa.date32(), "timestamp"),
        (pa.list_(pa.int8()), "other"),
    ],
)
def test_every_type_of_a_table_has_a_kind(kind: pa.DataType, name: str) -> None:
    assert kind_of(kind) == name


def test_a_contract_follows_from_the_dataset_spec(tmp_path: Path) -> None:
    spec = DatasetSpec(
        name="demo",
        table="demo",
        entity="id",
        label="left",
        timestamp="at",
        numeric=("spent",),
    )
    table = parquet(
        tmp_path, id=["a"], left=[True], at=[date(2026, 1, 1)], spent=[1.5], note=["x"]
    )
    contract = contract_of(spec, table)

    assert {name: column.kind for name, column in contract.columns.items()} == {
        "spent": "number",
        "id": "text",
        "left": "boolean",
        "at": "timestamp",
    }
    assert contract.columns["spent"].max_null_share == 1
    assert contract.columns["left"].max_null_share == 0
    assert (contract.key, contract.label) == (("id", "at"), "left")


def test_a_derived_contract_names_columns_that_the_table_lacks(tmp_path: Path) -> None:
    spec = DatasetSpec(name="demo", table="demo", categorical=("plan",))
    contract = contract_of(spec, parquet(tmp_path, id=[1]))

    assert set(contract.columns) == {"plan", "customer_id", "churn"}
    assert contract.key == ("customer_id",)


def test_the_default_table_has_a_contract_of_its_own(tmp_path: Path) -> None:
    table = parquet(tmp_path, customer_id=[1], churn=[0])
    other = CUSTOMERS.model_copy(update={"timestamp": None})

    assert resolve(None, CUSTOMERS, table) == load_contract("customers")
    assert resolve("telco", CUSTOMERS, table) == load_contract("telco")
    assert resolve(None, other, table).key == ("customer_id",)


def test_a_contract_is_frozen() -> None:
    contract = TableContract.model_validate(
        {"name": "x", "columns": {"a": {"kind": "text"}}}
    )

    with pytest.raises(ValueError, match="frozen"):
        contract.name = "y"  # type: ignore[misc]
