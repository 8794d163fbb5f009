"""A table against its contract: its columns and types, and what is told."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import ContractError
from mlops_common.simulation import simulate
from uc1_churn.lineage.quality import assertion
from uc1_churn.testing.validation import GREAT_EXPECTATIONS, NOW, Check, refused, table
from uc1_churn.validation.conformance import validate
from uc1_churn.validation.contract import load_contract
from uc1_churn.validation.expectations import Finding

pytestmark = GREAT_EXPECTATIONS


def test_a_table_that_keeps_its_contract_passes(check: Check, tmp_path: Path) -> None:
    validation = check(table())

    assert (validation.contract, validation.rows) == ("demo", 10)
    assert validation.checks == 6 + 1 + 6 + 4 + 3
    assert validation.warnings == ()
    assert validation.docs == tmp_path / "docs.html"


def test_the_simulated_company_keeps_the_customers_contract(tmp_path: Path) -> None:
    file = tmp_path / "customers.parquet"
    batches = simulate(seed=1, customers=500, months=4, end=date(2026, 3, 1))
    pq.write_table(pa.Table.from_batches(batches), file)
    contract = load_contract("customers")
    docs = tmp_path / "docs.html"

    assert validate(file, contract, now=NOW, docs=docs).rows > 1500


def test_the_public_telco_table_keeps_its_contract(
    shared_data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "telco.parquet"
    source = shared_data / "churn" / "telco" / "Telco-Customer-Churn.csv.gz"
    blanks = pacsv.ConvertOptions(null_values=[" "])
    pq.write_table(pacsv.read_csv(source, convert_options=blanks), file)
    contract = load_contract("telco")
    docs = tmp_path / "docs.html"

    assert validate(file, contract, now=NOW, docs=docs).rows == 7043


def test_every_broken_promise_is_told_with_counts_and_rows(check: Check) -> None:
    rows = table(
        age=[17, *[30] * 8, 111],
        plan=["gold", *["basic"] * 9],
        spent=[None] * 3 + [-0.5] + [1.0] * 6,
        churn=[0, 1, 2, *[1] * 7],
    )
    lines = refused(check, rows)

    at = "at=2026-01-30T12:00:00+00:00"
    remedy = "correct these rows at their source, or the contract"
    assert lines == [
        f"- column 'age' must lie within [18, 110]: 2 of 10 rows do not; {remedy}",
        f"    row 1: id=1, {at}, age=17",
        f"    row 10: id=10, {at}, age=111",
        f"- column 'plan' must be one of basic, pro: 1 of 10 rows are not; {remedy}",
        f"    row 1: id=1, {at}, plan='gold'",
        f"- column 'spent' may be NULL in at most 20 % of the rows: 3 of 10 rows are; "
        f"{remedy}",
        f"    row 1: id=1, {at}, spent=NULL",
        f"    row 2: id=2, {at}, spent=NULL",
        f"    row 3: id=3, {at}, spent=NULL",
        f"- column 'spent' must lie at or above 0: 1 of 10 rows do not; {remedy}",
        f"    row 4: id=4, {at}, spent=-0.5",
        f"- column 'churn' must be one of 0, 1: 1 of 10 rows are not; {remedy}",
        f"    row 3: id=3, {at}, churn=2",
        "- label 'churn' must have two classes: it has 3; extract rows of customers "
        "who left and of customers who stayed",
    ]


def test_each_check_is_told_in_the_words_of_openlineage_kept_or_broken(
    check: Check,
) -> None:
    seen: list[Finding] = []
    with pytest.raises(ContractError):
        check(table(age=[30] * 8 + [7, 8]), seen.extend)

    told = [assertion(finding) for finding in seen]

    [broken] = [one for one in told if not one.success]
    assert broken.assertion == "expect_column_values_to_be_between"
    assert (broken.column, broken.severity) == ("age", "error")
    assert broken.actual.startswith("2 of 10")
    kept = {(one.assertion, one.column) for one in told if one.success}
    assert ("expect_column_values_to_not_be_null", "id") in kept
    assert ("expect_table_row_count_to_be_between", "") in kept


def test_at_most_five_rows_are_told(check: Check) -> None:
    lines = refused(check, table(age=[0] * 10))

    assert lines[0].startswith("- column 'age' must lie within [18, 110]: 10 of 10")
    assert [line.split(",")[0] for line in lines[1:]] == [
        f"    row {number}: id={number}" for number in range(1, 6)
    ]


def test_a_missing_column_is_told_before_any_row_is_looked_at(check: Check) -> None:
    rows = table(plan=None, age=[0] * 10).rename_columns(
        ["id", "age", "spent", "churned", "at"]
    )

    assert refused(check, rows) == [
        "- column 'plan' must exist: the table lacks it; add it to the source or the "
        "query, or correct the contract",
        "- column 'churn' must exist: the table lacks it but has 'churned'; add it to "
        "the source or the query, or correct the contract",
    ]


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("age", ["30"] * 10, "integer: it is text"),
        ("age", [30.5] * 10, "integer: it is number"),
        ("plan", [1] * 10, "text: it is integer"),
        ("plan", [b"pro"] * 10, "text: it is other"),
        ("spent", ["9.5"] * 10, "number: it is text"),
        ("spent", [True] * 10, "number: it is boolean"),
        ("at", ["2026-01-01"] * 10, "timestamp: it is text"),
        ("churn", [True, False] * 5, "integer: it is boolean"),
    ],
)
def test_a_wrong_type_is_told_with_both_types(
    check: Check, name: str, values: list[Any], found: str
) -> None:
    assert refused(check, table(**{name: values})) == [
        f"- column '{name}' must be of kind {found}; cast it in the query, or correct "
        "the contract"
    ]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", pa.array([30] * 10, pa.uint8())),
        ("age", pa.array([30] * 10, pa.int16())),
        ("plan", pa.array(["pro"] * 10).dictionary_encode()),
        ("plan", pa.array(["pro"] * 10, pa.large_string())),
        ("spent", pa.array([1] * 10, pa.int32())),
        ("spent", pa.array([Decimal("1.10")] * 10)),
        ("spent", pa.array([1.5] * 10, pa.float32())),
        ("at", pa.array([date(2026, 2, 1)] * 10)),
        ("at", pa.array([datetime(2026, 2, 1)] * 10, pa.timestamp("ns"))),  # noqa: DTZ001
        ("at", pa.array([NOW] * 10, pa.timestamp("s", "Europe/Berlin"))),
    ],
)
def test_each_type_of_a_kind_will_do(check: Check, name: str, values: pa.Array) -> None:
    assert check(table(**{name: values})).rows == 10


def test_an_empty_table_is_told_once(check: Check) -> None:
    assert refused(check, table().slice(0, 0)) == [
        "- the number of rows must be at least 1: it is 0; load rows into the source "
        "table, or correct the query"
    ]
