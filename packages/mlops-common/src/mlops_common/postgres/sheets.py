"""The first sheet of an Excel workbook as an Arrow table."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa

from mlops_common.errors import ContractError

EXACT = 1 << 53  # whole numbers below are exact in a workbook's cells


def read(path: Path) -> tuple[pa.Table, int]:
    """Return the first sheet, and how many of its typed values are blank.

    A column whose filled cells all hold numbers is numeric (whole ones become int64),
    likewise booleans and dates. Otherwise it is text, with whole numbers unadorned.

    Raises:
        ContractError: The file is no workbook, or has no header.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            lines = workbook.get_sheet_by_index(0).to_python()
    except (CalamineError, OSError) as error:
        raise ContractError(
            f"{path} is no workbook that can be read: {error}"
        ) from error
    if not lines:
        raise ContractError(f"{path} is empty; expected a first row with column names")
    header, *rows = lines
    names = [str(cell) for cell in header]
    columns, blanks = [], 0
    for number in range(len(names)):
        cells = [row[number] for row in rows]
        column = _column(cells)
        blanks += 0 if pa.types.is_string(column.type) else column.null_count
        columns.append(column)
    return pa.Table.from_arrays(columns, names=names), blanks


def _column(cells: list[Any]) -> pa.Array:
    filled = [cell for cell in cells if not _blank(cell)]
    kinds = {type(cell) for cell in filled}
    if not kinds or (not kinds <= {bool} and not _alike(kinds)):
        return pa.array([_text(cell) for cell in cells], pa.string())
    values = [None if _blank(cell) else cell for cell in cells]
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {int, float}:
        return _numbers(values)
    if kinds == {dt.date}:
        return pa.array(values, pa.date32())
    return pa.array([_instant(value) for value in values], pa.timestamp("us"))


def _alike(kinds: set[type]) -> bool:
    return kinds <= {int, float} or kinds <= {dt.date, dt.datetime}


def _numbers(values: list[Any]) -> pa.Array:
    whole = all(
        value is None or (float(value).is_integer() and abs(value) < EXACT)
        for value in values
    )
    kind = pa.int64() if whole else pa.float64()
    cast = int if whole else float
    return pa.array([None if v is None else cast(v) for v in values], kind)


def _instant(value: dt.date | None) -> dt.datetime | None:
    if value is None or isinstance(value, dt.datetime):
        return value
    return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - sheets have no zones


def _blank(cell: Any) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _text(cell: Any) -> str | None:
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))
    return str(cell)
