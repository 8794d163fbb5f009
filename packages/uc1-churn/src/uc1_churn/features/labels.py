"""Labels: which customers churned, and the instant at which that was asked."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb import ConstantExpression, SQLExpression

from mlops_common.errors import ContractError
from mlops_common.progress import step
from uc1_churn.config import DatasetSpec
from uc1_churn.features.derivation import key_columns
from uc1_churn.features.schema import LABEL, resolve
from uc1_churn.tables import parquet
from uc1_churn.tables.parquet import quoted

TRUE = frozenset({"1", "true", "t", "yes", "y"})
FALSE = frozenset({"0", "false", "f", "no", "n"})
CLASSES = 2


@dataclass(frozen=True, slots=True)
class EntityRows:
    """What `entity_rows` wrote.

    Attributes:
        rows: Labelled rows.
        positives: Rows whose label is 1.
        unlabelled: Rows that were left out because their label is unknown.
    """

    rows: int
    positives: int
    unlabelled: int


def entity_rows(extract: Path, spec: DatasetSpec, target: Path) -> EntityRows:
    """Stream the labelled keys of an extract into a Parquet file.

    The columns are the entity, `event_timestamp` (timestamp[us, UTC]) and `label`
    (int8; 1 is churn). Rows whose label is NULL or blank are left out.

    Args:
        extract: Parquet file of the source rows.
        spec: Roles of its columns, and the value of the label that means churn.
        target: File to write; it appears whole or not at all.

    Returns:
        The number of rows by label.

    Raises:
        ContractError: No row has a label, the label has more than two values, or
            the positive value never or always occurs; names the values.
        NotFoundError: A named column is absent.
        BackendError: The disk is full.
    """
    schema = resolve(spec, extract)
    with step("Read labels"), parquet.scan(extract) as table:
        value = SQLExpression(f"CAST({quoted(spec.label)} AS VARCHAR)")
        texts = parquet.rows(
            table.select(value.alias("value")), "labels", "label_values"
        )
        positive, negative = _classes(texts, spec)
        known = value.isin(*map(ConstantExpression, [*positive, *negative]))
        label = value.isin(*map(ConstantExpression, positive)).cast("TINYINT")
        columns = (*key_columns(table, schema), label.alias(LABEL))
        parquet.write(table.filter(known).select(*columns), target)
    total = sum(n for _, n, _ in texts)
    rows = sum([*positive.values(), *negative.values()])
    return EntityRows(rows, sum(positive.values()), total - rows)


def canonical(value: str | float | None) -> str | None:
    """Return the class that a label's value stands for, or nothing if unknown.

    Examples:
        >>> [canonical(value) for value in (1, "1.0", True, "Yes", " t ")]
        ['1', '1', '1', '1', '1']
        >>> canonical("Churned"), canonical(" "), canonical("nan")
        ('churned', None, None)
    """
    text = "" if value is None else str(value).strip().casefold()
    try:
        number = float(text)
    except ValueError:
        text = "1" if text in TRUE else "0" if text in FALSE else text
        return text or None
    if math.isnan(number):
        return None
    return f"{number:.0f}" if number.is_integer() else str(number)


def _classes(
    texts: list[tuple[Any, ...]], spec: DatasetSpec
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the rows of each text of the label, split in positive and negative."""
    counts = {text: n for text, n, _ in texts if canonical(text) is not None}
    _check_classes(counts, spec, distinct=texts[0][2] if texts else 0)
    wanted = canonical(spec.positive)
    positive = {text: n for text, n in counts.items() if canonical(text) == wanted}
    negative = {text: n for text, n in counts.items() if text not in positive}
    return positive, negative


def _check_classes(counts: dict[str, int], spec: DatasetSpec, *, distinct: int) -> None:
    values = ", ".join(f"{text!r} ({n} rows)" for text, n in counts.items())
    classes = {canonical(text) for text in counts}
    label = f"label {spec.label!r} of dataset {spec.name!r}"
    if not classes:
        raise ContractError(
            f"{label} is empty in every row; check `dataset.label` and the source"
        )
    if len(classes) > CLASSES:
        raise ContractError(
            f"{label} must have two values, found {distinct}: {values}; map it to two "
            "in `dataset.query`"
        )
    if canonical(spec.positive) not in classes:
        raise ContractError(
            f"{label} never equals the positive value {spec.positive!r}; found "
            f"{values}; correct `dataset.positive`"
        )
    if len(classes) < CLASSES:
        raise ContractError(
            f"{label} has the positive value {spec.positive!r} in every row: {values}; "
            "a model needs customers who stayed, too"
        )
