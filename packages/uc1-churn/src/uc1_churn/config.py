"""Params of the churn pipeline: what it computes, never where."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mlops_common.params import Params

Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class DatasetSpec(Params):
    """Which table is learnt from, and the role of its columns.

    Give `table` or `query`. Features that are not named are inferred: numbers are
    numeric, text and booleans categorical. Text with more than `max_categories`
    values is numeric if it holds only numbers and blanks, and is left out otherwise.
    """

    name: str = Field(
        "customers",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Name of the versioned dataset: letters, digits, _ and -.",
    )
    table: str | None = Field(
        None, description="Source table, `schema.table` or `table`."
    )
    query: str | None = Field(None, description="A SELECT, instead of a table.")
    entity: str = Field("customer_id", description="Column that identifies a customer.")
    label: str = Field("churn", description="Column to predict; two values.")
    positive: str | int | bool = Field(
        1, description="Value of the label that means churn."
    )
    timestamp: str | None = Field(None, description="Instant at which a row was true.")
    numeric: tuple[str, ...] | None = None
    categorical: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = Field((), description="Columns never used as features.")
    max_categories: Count = 64

    @model_validator(mode="after")
    def _one_source(self) -> "DatasetSpec":
        if (self.table is None) == (self.query is None):
            raise ValueError("give exactly one of `table` and `query`")
        return self


CUSTOMERS = DatasetSpec(
    table="customers",
    timestamp="observed_at",
    numeric=(
        "age",
        "tenure_months",
        "total_purchases",
        "avg_order_value",
        "days_since_last_purchase",
        "support_tickets_count",
    ),
    categorical=("gender",),
)


class TrainingParams(Params):
    """How the model is trained and judged."""

    test_fraction: Fraction = Field(
        0.2, description="Held-out share, newest rows first."
    )
    trees: Count = 300
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.03
    leaves: Annotated[int, Field(ge=2)] = 8
    min_rows_per_leaf: Count = 40
    row_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.8, description="Share of the rows that each tree sees."
    )
    column_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.6, description="Share of the features that each tree sees."
    )
    calibration: Literal["sigmoid", "isotonic"] = "sigmoid"
    folds: Annotated[int, Field(ge=2)] = Field(
        5, description="Folds behind calibration and the choice of the threshold."
    )
    seed: Annotated[int, Field(ge=0)] = 0
    threads: Count = Field(2, description="Threads that grow the trees.")
    bootstrap_replicates: Annotated[int, Field(ge=100)] = 500
    confidence: Fraction = 0.95
    calibration_bins: Count = Field(
        10, description="Equal-mass bins of the calibration error."
    )


class EconomicsParams(Params):
    """What an offer costs and a retained customer is worth, in one currency."""

    value_per_customer: Annotated[float, Field(gt=0)] = Field(
        300.0, description="Worth of a customer who would have left and stays."
    )
    offer_cost: Annotated[float, Field(ge=0)] = Field(
        20.0, description="Cost of one offer, accepted or not."
    )
    success_rate: Share = Field(
        0.3, description="Share of would-be churners whom the offer keeps."
    )
    capacity: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most customers that can get an offer; empty means all."
    )


class GateParams(Params):
    """What a challenger must show before it serves."""

    champion_alias: str = "champion"
    min_roc_auc: Share = 0.7
    max_calibration_error: Share = 0.1
    min_profit: float = Field(0.0, description="Least profit on the held-out rows.")
    tolerance: Share = Field(
        0.005,
        description="ROC AUC by which the challenger may trail the champion "
        "(lower end of the paired interval).",
    )


class ServingParams(Params):
    """How the endpoint is checked before it answers."""

    parity_sample: Count = Field(
        50, description="Customers compared online and offline."
    )
    parity_tolerance: Annotated[float, Field(gt=0)] = 1e-6


class ChurnParams(Params):
    """All parameters of one run of the churn pipeline."""

    raw_data_path: str = Field(
        "raw/customers.parquet",
        description="Where raw data are kept: each revision has the object key "
        "`<this path without its suffix>/<digest>.parquet`.",
    )
    model_name: str = Field(
        "churn-predictor",
        pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="Name of the model and of its service: at most 63 letters a-z, "
        "digits and dashes; starts with a letter.",
    )
    namespace: str = Field(
        "models",
        description="Kubernetes namespace of the endpoint on a cluster; unused on one "
        "machine.",
    )
    contract: str | Path | None = Field(
        None,
        description="Table contract: a file (a relative path starts at the folder "
        "that the run is started in), a shipped name, or empty for one that follows "
        "from the dataset spec.",
    )
    dataset: DatasetSpec = CUSTOMERS
    training: TrainingParams = TrainingParams()
    economics: EconomicsParams = EconomicsParams()
    gate: GateParams = GateParams()
    serving: ServingParams = ServingParams()
