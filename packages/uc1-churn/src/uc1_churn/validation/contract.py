"""What a table promises: the contract of its columns, keys, size and age."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from mlops_common.config import read_yaml
from mlops_common.errors import NotFoundError
from mlops_common.params import Params, validated
from uc1_churn.config import CUSTOMERS, Count, DatasetSpec, Share

SHIPPED = files("uc1_churn.validation") / "contracts"

Kind = Literal["integer", "number", "text", "boolean", "timestamp"]
OTHER = "other"

RANGED = frozenset({"integer", "number"})


class ColumnContract(Params):
    """What one column promises.

    Attributes:
        severity: Whether a broken range, set, null share or uniqueness stops the run
            or is only reported.
    """

    kind: Kind
    minimum: float | None = Field(None, description="Least value, of numbers.")
    maximum: float | None = Field(None, description="Greatest value, of numbers.")
    allowed: tuple[str | int | float | bool, ...] | None = Field(
        None, description="The only values that may occur."
    )
    max_null_share: Share = Field(0.0, description="NaN of a number counts as NULL.")
    unique: bool = Field(default=False, description="No value may occur twice.")
    severity: Literal["critical", "warning"] = "critical"

    @model_validator(mode="after")
    def _range_fits(self) -> "ColumnContract":
        bounds = [b for b in (self.minimum, self.maximum) if b is not None]
        if bounds and self.kind not in RANGED:
            raise ValueError(f"a {self.kind} has no minimum and maximum")
        if bounds != sorted(bounds):
            raise ValueError("the minimum is above the maximum")
        return self


class TableContract(Params):
    """What a table promises; columns that are not named promise nothing.

    Attributes:
        name: Name of the contract, for messages.
        columns: The columns that must exist, by name.
        key: Columns that together identify a row; they also name rows in messages.
        label: Column of the classes to predict: exactly two.
        timestamp: Column of the instants at which rows were true; none in the future.
        max_age_days: Greatest age of the newest of them.
        min_rows: Least number of rows.
        max_rows: Greatest number of rows.
    """

    name: str
    columns: dict[str, ColumnContract] = Field(min_length=1)
    key: tuple[str, ...] = ()
    label: str | None = None
    timestamp: str | None = None
    max_age_days: Annotated[float, Field(gt=0)] | None = None
    min_rows: Count = 1
    max_rows: Count | None = None

    @model_validator(mode="after")
    def _roles_fit(self) -> "TableContract":
        for name in _roles(*self.key, self.label, self.timestamp):
            if name not in self.columns:
                raise ValueError(f"column {name!r} has a role but no entry in columns")
        if self.timestamp and self.columns[self.timestamp].kind != "timestamp":
            raise ValueError(f"column {self.timestamp!r} must be of kind timestamp")
        if self.max_age_days is not None and self.timestamp is None:
            raise ValueError("max_age_days needs a timestamp")
        return self


def load_contract(contract: str | Path) -> TableContract:
    """Return a contract from a YAML file, or one that is shipped.

    Args:
        contract: Path of a file, or a shipped name such as `customers`.

    Raises:
        NotFoundError: There is no such file or name; lists the names.
        ConfigError: The file does not fit; names each key that does not.

    Examples:
        >>> load_contract("customers").key
        ('customer_id', 'observed_at')
    """
    shipped = {Path(file.name).stem: file for file in SHIPPED.iterdir()}
    file = Path(str(shipped.get(str(contract), contract)))
    if not file.is_file():
        names = ", ".join(sorted(shipped))
        raise NotFoundError(
            f"no table contract {str(contract)!r}: neither a file nor one of {names}"
        )
    return validated(TableContract, read_yaml(file), where=str(file))


def contract_of(spec: DatasetSpec, table: Path) -> TableContract:
    """Return the contract that follows from a dataset spec.

    The named columns exist; entity, label and timestamp are never NULL; no entity
    repeats (at one timestamp); the label has two classes.

    Args:
        spec: Roles of the columns.
        table: Parquet file; columns get the kinds that they have in it.
    """
    schema = pq.read_schema(table)
    roles = _roles(spec.entity, spec.label, spec.timestamp)
    features = [*(spec.numeric or ()), *(spec.categorical or ())]
    columns = {name: _column(schema, name, 1.0) for name in features}
    columns |= {name: _column(schema, name, 0.0) for name in roles}
    if spec.timestamp:
        columns[spec.timestamp] = ColumnContract(kind="timestamp")
    return TableContract(
        name=spec.name,
        columns=columns,
        key=tuple(_roles(spec.entity, spec.timestamp)),
        label=spec.label,
        timestamp=spec.timestamp,
    )


def resolve(
    contract: str | Path | None, spec: DatasetSpec, table: Path
) -> TableContract:
    """Return the named contract, else that of the default table, else a derived one.

    Args:
        contract: As in the params: a file, a shipped name or nothing.
        spec: Roles of the columns.
        table: Parquet file of the rows.

    Raises:
        NotFoundError: There is no such contract.
        ConfigError: Its file does not fit.
    """
    if contract is not None:
        return load_contract(contract)
    if spec == CUSTOMERS:
        return load_contract("customers")
    return contract_of(spec, table)


def kind_of(kind: pa.DataType) -> str:
    """Return the kind of an Arrow type, or `other`.

    Examples:
        >>> kind_of(pa.int16()), kind_of(pa.decimal128(9, 2)), kind_of(pa.binary())
        ('integer', 'number', 'other')
    """
    types = pa.types
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    tests = {
        "integer": types.is_integer,
        "number": lambda k: types.is_floating(k) or types.is_decimal(k),
        "text": lambda k: types.is_string(k) or types.is_large_string(k),
        "boolean": types.is_boolean,
        "timestamp": lambda k: types.is_timestamp(k) or types.is_date(k),
    }
    return next((name for name, test in tests.items() if test(kind)), OTHER)


def _column(schema: pa.Schema, name: str, max_null_share: float) -> ColumnContract:
    """Return a column that promises what the file holds, or that it exists at all."""
    index = schema.get_field_index(name)
    found = kind_of(schema.field(index).type) if index >= 0 else OTHER
    kind = "text" if found == OTHER else found
    return ColumnContract.model_validate(
        {"kind": kind, "max_null_share": max_null_share}
    )


def _roles(*names: str | None) -> list[str]:
    return [name for name in names if name]
