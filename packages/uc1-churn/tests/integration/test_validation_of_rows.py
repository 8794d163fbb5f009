"""What the rows of a table may break of its contract."""

from datetime import timedelta

import pyarrow as pa
import pytest

from uc1_churn.testing.validation import (
    GREAT_EXPECTATIONS,
    NOW,
    Check,
    columns,
    refused,
    table,
)

pytestmark = GREAT_EXPECTATIONS


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
