"""The checks that follow from a table contract, in the words of Great Expectations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from uc1_churn.validation.contract import ColumnContract, TableContract

ROWS = "correct these rows at their source, or the contract"
# The types that stand for each kind in the sample batch.
TYPES = {
    "integer": ["int64"],
    "number": ["int64", "float64"],
    "text": ["str"],
    "boolean": ["bool"],
    "timestamp": ["datetime64[ns]"],
}


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, with what to say when it fails.

    Attributes:
        expectation: Class in `great_expectations.expectations`.
        columns: Columns of the rows that it needs; empty where it is about types.
        arguments: Its arguments.
        promise: What the contract says, as a sentence without a stop.
        finding: What was found instead; may hold `{count}`, `{total}` (rows) and
            `{value}` (observed).
        remedy: What to do.
        warning: Whether a failure is only reported.
        exact: Whether it compares integers with each other, which floats may not.
    """

    expectation: str
    columns: tuple[str, ...]
    promise: str
    finding: str
    remedy: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    warning: bool = False
    exact: bool = False


def structure(contract: TableContract, kinds: Mapping[str, str]) -> list[Check]:
    """Return the checks of a table's columns and their types.

    Args:
        contract: What the table promises.
        kinds: Kind of each column that the table has.
    """
    checks = []
    for name, column in contract.columns.items():
        if name in kinds:
            checks.append(_typed(name, column, kinds[name]))
        else:
            checks.append(_existing(name, kinds))
    return checks


def content(contract: TableContract, now: datetime) -> list[Check]:
    """Return the checks of a table's rows.

    Args:
        contract: What the table promises.
        now: The instant from which age is counted, with a time zone.
    """
    checks = [size(contract)]
    for name, column in contract.columns.items():
        checks += _values(name, column)
    if contract.key:
        checks.append(_key(contract.key))
    if contract.label:
        checks.append(_classes(contract.label))
    if contract.timestamp:
        checks.append(_fresh(contract.timestamp, contract.max_age_days, now))
    return checks


def size(contract: TableContract) -> Check:
    """Return the check of the number of rows."""
    least, most = contract.min_rows, contract.max_rows
    limits = f"at least {least:,}" if most is None else f"{least:,} to {most:,}"
    return Check(
        "ExpectTableRowCountToBeBetween",
        (next(iter(contract.columns)),),
        f"the number of rows must be {limits}",
        "it is {value:,}",
        "load rows into the source table, or correct the query",
        {"min_value": least, "max_value": most},
    )


def _existing(name: str, kinds: Mapping[str, str]) -> Check:
    near = get_close_matches(name.lower(), [known.lower() for known in kinds], n=1)
    like = [repr(known) for known in kinds if known.lower() in near]
    return Check(
        "ExpectColumnToExist",
        (),
        f"column {name!r} must exist",
        f"the table lacks it{' but has ' if like else ''}{' and '.join(like)}",
        "add it to the source or the query, or correct the contract",
        {"column": name},
    )


def _typed(name: str, column: ColumnContract, found: str) -> Check:
    return Check(
        "ExpectColumnValuesToBeInTypeList",
        (),
        f"column {name!r} must be of kind {column.kind}",
        f"it is {found}",
        "cast it in the query, or correct the contract",
        {"column": name, "type_list": TYPES[column.kind]},
    )


def _values(name: str, column: ColumnContract) -> Iterator[Check]:
    warning = column.severity == "warning"
    yield _not_null(name, column.max_null_share, warning=warning)
    if column.minimum is not None or column.maximum is not None:
        yield Check(
            "ExpectColumnValuesToBeBetween",
            (name,),
            f"column {name!r} must lie {_range(column)}",
            "{count:,} of {total:,} rows do not",
            ROWS,
            {"column": name, "min_value": column.minimum, "max_value": column.maximum},
            warning,
        )
    if column.allowed is not None:
        yield Check(
            "ExpectColumnValuesToBeInSet",
            (name,),
            f"column {name!r} must be one of {', '.join(map(str, column.allowed))}",
            "{count:,} of {total:,} rows are not",
            ROWS,
            {"column": name, "value_set": list(column.allowed)},
            warning,
        )
    if column.unique:
        yield Check(
            "ExpectColumnValuesToBeUnique",
            (name,),
            f"column {name!r} must not repeat a value",
            "{count:,} of {total:,} rows do",
            ROWS,
            {"column": name},
            warning,
            exact=True,
        )


def _not_null(name: str, share: float, *, warning: bool) -> Check:
    promise = f"may be NULL in at most {100 * share:.3g} % of the rows"
    return Check(
        "ExpectColumnValuesToNotBeNull",
        (name,),
        f"column {name!r} {promise if share else 'must not be NULL'}",
        "{count:,} of {total:,} rows are",
        ROWS,
        {"column": name, "mostly": 1 - share},
        warning,
    )


def _key(key: tuple[str, ...]) -> Check:
    if len(key) == 1:
        expectation = "ExpectColumnValuesToBeUnique"
        arguments: dict[str, Any] = {"column": key[0]}
    else:
        expectation = "ExpectCompoundColumnsToBeUnique"
        arguments = {"column_list": list(key)}
    return Check(
        expectation,
        key,
        f"the key {', '.join(key)} must identify a row",
        "{count:,} of {total:,} rows share theirs with another",
        "remove the duplicates at their source, or name a timestamp",
        arguments,
        exact=True,
    )


def _classes(label: str) -> Check:
    return Check(
        "ExpectColumnUniqueValueCountToBeBetween",
        (label,),
        f"label {label!r} must have two classes",
        "it has {value}",
        "extract rows of customers who left and of customers who stayed",
        {"column": label, "min_value": 2, "max_value": 2},
    )


def _fresh(timestamp: str, days: float | None, now: datetime) -> Check:
    since = None if days is None else now - timedelta(days=days)
    age = (
        "not after" if days is None else f"at most {days:g} days before, and not after,"
    )
    return Check(
        "ExpectColumnMaxToBeBetween",
        (timestamp,),
        f"the newest {timestamp!r} must lie {age} {now:%Y-%m-%d %H:%M %Z}",
        "it is {value}",
        "load newer rows, correct the clock, or the contract's max_age_days",
        {"column": timestamp, "min_value": since, "max_value": now},
    )


def _range(column: ColumnContract) -> str:
    if column.minimum is None:
        return f"at or below {column.maximum:g}"
    if column.maximum is None:
        return f"at or above {column.minimum:g}"
    return f"within [{column.minimum:g}, {column.maximum:g}]"
