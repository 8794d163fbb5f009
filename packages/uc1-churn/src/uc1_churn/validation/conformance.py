"""Whether a table keeps its contract, and if not, which rows break it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mlops_common.errors import BackendError, ContractError
from mlops_common.files import replacing
from mlops_common.logger import get_logger
from mlops_common.progress import step
from uc1_churn.validation import batches, checks
from uc1_churn.validation.checks import Check
from uc1_churn.validation.contract import TableContract, kind_of
from uc1_churn.validation.expectations import Evaluation, Finding

LONGEST_VALUE = 60

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Validation:
    """A table that keeps its contract.

    Attributes:
        contract: Name of the contract.
        rows: Number of rows.
        checks: Number of expectations that were evaluated.
        warnings: What is broken of the promises that are only reported.
        docs: The Data Docs page.
    """

    contract: str
    rows: int
    checks: int
    warnings: tuple[str, ...]
    docs: Path


def validate(
    table: Path,
    contract: TableContract,
    *,
    now: datetime,
    docs: Path,
    observe: Callable[[Sequence[Finding]], None] | None = None,
) -> Validation:
    """Check a table against its contract with Great Expectations.

    Columns and their types come first; rows are looked at only if those are right.
    Each column is read by itself, so that the widest one bounds the memory.

    Args:
        table: Parquet file.
        contract: What it promises.
        now: The instant from which its age is counted, with a time zone.
        docs: Where the Data Docs page goes, an HTML file; written in any case.
        observe: Called with what became of each check, kept or broken.

    Returns:
        What was checked, and the warnings.

    Raises:
        ContractError: Promises are broken; tells each with counts and up to 5 rows.
        BackendError: A check could not be evaluated, or the disk is full.
    """
    evaluation = Evaluation(contract.name)
    _evaluate(evaluation, table, contract, now)
    with replacing(docs) as partial:
        partial.write_text(evaluation.page(now), "utf-8")
    if observe is not None:
        observe(evaluation.findings)
    return Validation(
        contract=contract.name,
        rows=pq.read_metadata(table).num_rows,
        checks=len(evaluation.findings),
        warnings=_warnings(evaluation.findings, table, contract),
        docs=docs,
    )


def _evaluate(
    evaluation: Evaluation, table: Path, contract: TableContract, now: datetime
) -> None:
    schema = pq.read_schema(table)
    kinds = {field.name: kind_of(field.type) for field in schema}
    evaluation.run(batches.sample(schema), checks.structure(contract, kinds))
    if not all(finding.success for finding in evaluation.findings):
        return
    groups = _by_columns(_content(table, contract, now))
    with step(f"Validate {contract.name}", total=len(groups)) as advance:
        for columns, group in groups.items():
            exact = any(check.exact for check in group)
            batch = batches.read(table, columns, exact=exact)
            evaluation.run(batch, group)
            advance(1)


def _content(table: Path, contract: TableContract, now: datetime) -> list[Check]:
    """Return the checks of the rows; of an empty table only that it has some."""
    if pq.read_metadata(table).num_rows == 0:
        return [checks.size(contract)]
    return checks.content(contract, now)


def _by_columns(all_checks: Sequence[Check]) -> dict[tuple[str, ...], list[Check]]:
    groups: dict[tuple[str, ...], list[Check]] = {}
    for check in all_checks:
        groups.setdefault(check.columns, []).append(check)
    return groups


def _warnings(
    findings: Sequence[Finding], table: Path, contract: TableContract
) -> tuple[str, ...]:
    """Return, and log, which promises are broken that are only reported.

    Raises:
        ContractError: Others are broken too; tells those.
    """
    broken = [finding for finding in findings if not finding.success]
    refused = [finding for finding in broken if not finding.check.warning]
    if refused:
        told = "\n".join(_told(finding, table, contract) for finding in refused)
        raise ContractError(
            f"dataset {contract.name!r} breaks its contract, {len(refused)} of "
            f"{len(findings)} expectations failed:\n{told}"
        )
    warnings = tuple(_told(finding, table, contract) for finding in broken)
    for warning in warnings:
        log.warning("dataset %r: %s", contract.name, warning)
    return warnings


def _told(finding: Finding, table: Path, contract: TableContract) -> str:
    """Return one line on a broken promise, and one on each of the rows."""
    check = finding.check
    if finding.problem:
        raise BackendError(
            f"Great Expectations could not check that {check.promise}: "
            f"{finding.problem}"
        )
    found = check.finding.format(
        count=finding.count, total=finding.total, value=finding.value
    )
    lines = [f"- {check.promise}: {found}; {check.remedy}"]
    if check.columns:
        lines += _examples(finding, table, contract)
    return "\n".join(lines)


def _examples(finding: Finding, table: Path, contract: TableContract) -> Iterator[str]:
    columns = list(dict.fromkeys([*contract.key, *finding.check.columns]))
    rows = batches.rows_at(table, finding.rows, columns)
    for position, row in zip(finding.rows, rows, strict=True):
        values = ", ".join(f"{name}={_shown(value)}" for name, value in row.items())
        yield f"    row {position + 1}: {values}"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    text = "NULL" if value is None else repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
