import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import BackendError, ContractError
from mlops_common.simulation import simulate
from uc1_churn.lineage.quality import assertion
from uc1_churn.validation.conformance import Validation, validate
from uc1_churn.validation.contract import TableContract, load_contract
from uc1_churn.validation.expectations import Finding

pytestmark = [
    # Great Expectations and its dependencies use what newer versions deprecate.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ImportWarning"),
]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Check = Callable[..., Validation]

DEMO: dict[str, Any] = {
    "name": "demo",
    "key": ("id", "at"),
    "label": "churn",
    "timestamp": "at",
    "max_age_days": 60,
    "columns": {
        "id": {"kind": "integer"},
        "age": {"kind": "integer", "minimum": 18, "maximum": 110},
        "plan": {"kind": "text", "allowed": ["basic", "pro"]},
        "spent": {"kind": "number", "minimum": 0, "max_null_share": 0.2},
        "churn": {"kind": "integer", "allowed": [0, 1]},
        "at": {"kind": "timestamp"},
    },
}


def table(**columns: Any) -> pa.Table:
    """Return ten rows that keep the contract, with columns replaced, or dropped."""
    good: dict[str, Any] = {
        "id": list(range(1, 11)),
        "age": [30] * 10,
        "plan": ["basic", "pro"] * 5,
        "spent": [9.5] * 9 + [None],
        "churn": [0, 1] * 5,
        "at": pa.array([NOW - timedelta(days=30)] * 10, pa.timestamp("us", "UTC")),
    }
    kept = {name: values for name, values in {**good, **columns}.items() if values}
    return pa.table(kept)


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Validate a table against the demo contract, or one with other values."""

    def run(
        rows: pa.Table,
        observe: Callable[[Sequence[Finding]], None] | None = None,
        **changes: Any,
    ) -> Validation:
        file = tmp_path / "table.parquet"
        pq.write_table(rows, file)
        contract = TableContract.model_validate(DEMO | changes)
        return validate(
            file, contract, now=NOW, docs=tmp_path / "docs.html", observe=observe
        )

    return run


def columns(**changed: dict[str, Any]) -> dict[str, Any]:
    """Return the demo's columns with some contracts changed."""
    return {"columns": {**DEMO["columns"], **changed}}


def refused(check: Check, rows: pa.Table, **changes: Any) -> list[str]:
    """Return the lines of the message that refuses the table."""
    with pytest.raises(ContractError) as caught:
        check(rows, **changes)
    first, *lines = str(caught.value).splitlines()
    failed = sum(line.startswith("- ") for line in lines)
    assert first.startswith(f"dataset 'demo' breaks its contract, {failed} of ")
    return lines


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


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"min_rows": 1000}, "at least 1,000: it is 10;"),
        ({"max_rows": 9}, "1 to 9: it is 10;"),
    ],
)
def test_the_number_of_rows_has_limits(
    check: Check, limits: dict[str, int], told: str
) -> None:
    (line,) = refused(check, table(), **limits)

    assert line.startswith(f"- the number of rows must be {told}")


def test_a_label_that_is_null_everywhere_is_told(check: Check) -> None:
    lines = refused(check, table(churn=pa.array([None] * 10, pa.int64())))

    assert lines[0] == (
        "- column 'churn' must not be NULL: 10 of 10 rows are; correct these rows at "
        "their source, or the contract"
    )
    assert lines[-1].startswith("- label 'churn' must have two classes: it has 0;")


def test_a_label_of_one_class_is_told(check: Check) -> None:
    assert refused(check, table(churn=[1] * 10)) == [
        "- label 'churn' must have two classes: it has 1; extract rows of customers "
        "who left and of customers who stayed"
    ]


def test_duplicate_keys_are_told(check: Check) -> None:
    lines = refused(check, table(id=[1, 2, 3, 2, *range(5, 11)]))

    assert lines == [
        "- the key id, at must identify a row: 2 of 10 rows share theirs with another; "
        "remove the duplicates at their source, or name a timestamp",
        "    row 2: id=2, at=2026-01-30T12:00:00+00:00",
        "    row 4: id=2, at=2026-01-30T12:00:00+00:00",
    ]


def test_large_keys_beside_a_null_are_not_taken_for_duplicates(check: Check) -> None:
    near = [2**60, 2**60 + 1, None, *range(4, 11)]
    lines = refused(check, table(id=near), key=("id",))

    assert [line for line in lines if line.startswith("-")] == [
        "- column 'id' must not be NULL: 1 of 10 rows are; correct these rows at their "
        "source, or the contract"
    ]


def newest(days: float) -> pa.Array:
    """Return instants of which the newest lies so many days before now."""
    ages = [900.0] * 9 + [days]
    return pa.array(
        [NOW - timedelta(days=age) for age in ages], pa.timestamp("us", "UTC")
    )


def test_a_table_may_be_as_old_as_its_contract_says(check: Check) -> None:
    assert check(table(at=newest(60))).rows == 10


@pytest.mark.parametrize(
    ("days", "found"), [(61, "2025-12-30 12:00"), (-1, "2026-03-02 12:00")]
)
def test_the_newest_row_is_neither_old_nor_of_the_future(
    check: Check, days: float, found: str
) -> None:
    (line,) = refused(check, table(at=newest(days)))

    assert line.startswith(
        "- the newest 'at' must lie at most 60 days before, and not after, "
        f"2026-03-01 12:00 UTC: it is {found}:00+00:00; load newer rows"
    )


def test_infinity_is_outside_and_nan_is_null(check: Check) -> None:
    spent = [float("inf"), float("nan"), None, *[1.0] * 7]
    lines = refused(
        check,
        table(spent=spent),
        **columns(spent={"kind": "number", "maximum": 10, "max_null_share": 0.1}),
    )

    assert [line.partition(";")[0] for line in lines if line.startswith("-")] == [
        "- column 'spent' may be NULL in at most 10 % of the rows: 2 of 10 rows are",
        "- column 'spent' must lie at or below 10: 1 of 10 rows do not",
    ]


def test_a_warning_is_reported_and_stops_nothing(check: Check) -> None:
    lenient = {"kind": "integer", "minimum": 40, "severity": "warning"}
    validation = check(table(), **columns(age=lenient))

    (warning,) = validation.warnings
    assert warning.startswith("- column 'age' must lie at or above 40: 10 of 10 rows")


def test_the_page_tells_of_every_check_and_needs_no_server(
    check: Check, tmp_path: Path
) -> None:
    refused(check, table(age=[0] * 10))
    page = (tmp_path / "docs.html").read_text("utf-8")

    for name in DEMO["columns"]:
        assert name in page
    assert "demo" in page
    assert "http" not in page
    assert "passed" in page
    assert "<title>Data Docs: demo</title>" in page
    assert "2026-03-01T12:00:00Z" in page
    assert "__none__" not in page
    assert "None" not in page
    assert len(page) < 1 << 20


def test_a_page_that_cannot_be_written_leaves_nothing(
    check: Check, tmp_path: Path
) -> None:
    (tmp_path / "docs.html").mkdir()

    with pytest.raises(BackendError, match=r"cannot write .*docs\.html"):
        check(table())

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "docs.html",
        "table.parquet",
    ]


def test_nothing_is_left_in_the_temporary_folder(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    check(table())
    refused(check, table(age=[0] * 10))

    assert list(scratch.rglob("*")) == []
