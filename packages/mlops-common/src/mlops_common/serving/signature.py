"""What a model takes: its columns, their types, and how a value must look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from types import NoneType
from typing import Any

from mlops_common.errors import ContractError
from mlops_common.serving.base import Predictor

DEFAULT = "FP64"
WHOLE = frozenset(
    {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"}
)
# What a tensor may call itself to fill a column of the type.
ACCEPTED = {
    "FP64": WHOLE | {"FP32", "FP64"},
    "INT64": WHOLE,
    "BOOL": frozenset({"BOOL"}),
    "BYTES": frozenset({"BYTES"}),
}
NUMERIC = frozenset({"FP64", "INT64"})
INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs of a model.

    Attributes:
        columns: Names of the features, in order.
        datatypes: Open Inference Protocol type of each column.
        entity: Name of the extra input that is logged; empty if there is none.
    """

    columns: tuple[str, ...]
    datatypes: Mapping[str, str]
    entity: str = ""

    @classmethod
    def of(cls, predictor: Predictor, entity: str = "") -> "Signature":
        """Return the signature of a loaded model.

        Raises:
            ContractError: It has no columns, or a type that no tensor has.
        """
        columns = tuple(predictor.columns)
        declared: Mapping[str, str] = getattr(predictor, "datatypes", {})
        datatypes = {name: declared.get(name, DEFAULT) for name in columns}
        if not columns or len(datatypes) < len(columns):
            raise ContractError(
                f"a model's columns must be named, each once; found {columns}"
            )
        for name, datatype in datatypes.items():
            if datatype not in ACCEPTED:
                raise ContractError(
                    f"column {name!r} has the type {datatype!r}; "
                    f"allowed: {', '.join(ACCEPTED)}"
                )
        return cls(columns, datatypes, "" if entity in datatypes else entity)

    @property
    def numeric(self) -> bool:
        """Whether one matrix of numbers can hold a row."""
        return NUMERIC.issuperset(self.datatypes.values())

    def tensors(self) -> list[dict[str, Any]]:
        """Return the inputs as the protocol's metadata describes them."""
        return [
            {"name": name, "datatype": self.datatypes[name], "shape": [-1]}
            for name in self.columns
        ]

    def checked(self, column: str, values: list[Any]) -> list[Any]:
        """Return the values of a column as the predictor takes them.

        Raises:
            ContractError: A value has the wrong type or is not finite; names the
                column.

        Examples:
            >>> signature = Signature(("age",), {"age": "FP64"})
            >>> signature.checked("age", [41, None])
            [41.0, nan]
            >>> signature.checked("age", ["x"])  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            ...
            mlops_common.errors.ContractError: column 'age' takes numbers ...
        """
        return CHECKS[self.datatypes[column]](column, values)


def text(name: str, values: list[Any]) -> list[Any]:
    """Return texts, where None is missing, that any database can hold.

    Raises:
        ContractError: A value is no text, holds NUL, or is not valid Unicode.
    """
    _only(name, values, {str, NoneType}, "texts (BYTES)")
    for value in values:
        if value is None or (value.isascii() and "\x00" not in value):
            continue
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ContractError(f"column {name!r} holds invalid Unicode") from error
        if "\x00" in value:
            raise ContractError(f"column {name!r} holds a NUL character")
    return values


def _numbers(name: str, values: list[Any]) -> list[float]:
    _only(name, values, {float, int, NoneType}, "numbers (FP64)")
    try:
        numbers = [nan if value is None else float(value) for value in values]
    except OverflowError as error:
        raise ContractError(f"column {name!r} holds a number beyond FP64") from error
    for value, number in zip(values, numbers, strict=True):
        if value is not None and not isfinite(number):
            raise ContractError(
                f"column {name!r} takes finite numbers, found {value}; "
                "send null where a value is missing"
            )
    return numbers


def _integers(name: str, values: list[Any]) -> list[int]:
    _only(name, values, {int}, "whole numbers (INT64)")
    for value in values:
        if not -INT64 <= value < INT64:
            raise ContractError(f"column {name!r} holds {value}, beyond INT64")
    return values


def _truths(name: str, values: list[Any]) -> list[bool]:
    _only(name, values, {bool}, "true or false (BOOL)")
    return values


def _only(name: str, values: list[Any], kinds: set[type], wanted: str) -> None:
    if not kinds.issuperset(map(type, values)):
        found = next(value for value in values if type(value) not in kinds)
        raise ContractError(f"column {name!r} takes {wanted}, found {found!r:.60}")


CHECKS: Mapping[str, Callable[[str, list[Any]], list[Any]]] = {
    "FP64": _numbers,
    "INT64": _integers,
    "BOOL": _truths,
    "BYTES": text,
}
