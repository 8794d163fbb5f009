"""A small table with its contract, and how it is checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import ContractError
from uc1_churn.validation.conformance import Validation, validate
from uc1_churn.validation.contract import TableContract
from uc1_churn.validation.expectations import Finding

RULES = (
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
    "ignore::ImportWarning",
)
# Great Expectations and its dependencies use what newer versions deprecate.
GREAT_EXPECTATIONS = [pytest.mark.filterwarnings(rule) for rule in RULES]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
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


def columns(**changed: dict[str, Any]) -> dict[str, Any]:
    """Return the demo's columns with some contracts changed."""
    return {"columns": {**DEMO["columns"], **changed}}


@dataclass(frozen=True)
class Check:
    """Validates a table against the demo contract, or one with other values.

    Attributes:
        folder: Where the table goes, and the Data Docs page `docs.html`.
    """

    folder: Path

    def __call__(
        self,
        rows: pa.Table,
        observe: Callable[[Sequence[Finding]], None] | None = None,
        **changes: Any,
    ) -> Validation:
        """Return what was checked; `changes` are of the contract."""
        file = self.folder / "table.parquet"
        pq.write_table(rows, file)
        contract = TableContract.model_validate(DEMO | changes)
        docs = self.folder / "docs.html"
        return validate(file, contract, now=NOW, docs=docs, observe=observe)


def refused(check: Check, rows: pa.Table, **changes: Any) -> list[str]:
    """Return the lines of the message that refuses the table."""
    with pytest.raises(ContractError) as caught:
        check(rows, **changes)
    first, *lines = str(caught.value).splitlines()
    failed = sum(line.startswith("- ") for line in lines)
    assert first.startswith(f"dataset 'demo' breaks its contract, {failed} of ")
    return lines
