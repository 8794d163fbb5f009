"""What Great Expectations found, as the assertions and metrics of a dataset."""

import re
from collections.abc import Sequence
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import Assertion, Dataset, Field
from mlops_common.refs import DatasetRef
from uc1_churn.lineage import places, source, tables
from uc1_churn.validation.expectations import Finding

WORD = re.compile(r"(?<!^)(?=[A-Z])")
PAGE = (Field(name="page", type="text/html"),)


def checked(
    platform: Platform, ref: DatasetRef, table: Path, findings: Sequence[Finding]
) -> Dataset:
    """Return a revision with what was checked of it, kept or broken.

    Args:
        platform: Where the revision is.
        ref: The revision.
        table: Its file.
        findings: What became of the checks.
    """
    return source.revision(platform, ref).model_copy(
        update={
            "assertions": tuple(assertion(finding) for finding in findings),
            "metrics": tables.metrics(table),
        }
    )


def assertion(finding: Finding) -> Assertion:
    """Return one check in the words of OpenLineage.

    Examples:
        >>> from uc1_churn.validation.checks import Check
        >>> check = Check("ExpectColumnToExist", (), "column 'age' must exist",
        ...               "the table lacks it", "add it", {"column": "age"})
        >>> assertion(Finding(check, success=False))  # doctest: +NORMALIZE_WHITESPACE
        Assertion(assertion='expect_column_to_exist', success=False, column='age',
          severity='error', expected="column 'age' must exist",
          actual='the table lacks it')
    """
    check = finding.check
    return Assertion(
        assertion=WORD.sub("_", check.expectation).lower(),
        success=finding.success,
        column=str(check.arguments.get("column", "")),
        severity="warn" if check.warning else "error",
        expected=check.promise,
        actual="" if finding.success else _found(finding),
    )


def docs(platform: Platform, key: str) -> Dataset:
    """Return the Data Docs page of a revision; all of them are one dataset."""
    return Dataset(
        name=places.stored(platform, key),
        fields=PAGE,
        version=Path(key).stem,
        kind="FILE",
        files=1,
        uri=platform.objects.uri(key),
    )


def _found(finding: Finding) -> str:
    """Return what was found instead, or why it could not be looked at."""
    return finding.problem or finding.check.finding.format(
        count=finding.count, total=finding.total, value=finding.value
    )
