"""Values that travel between the steps of this pipeline."""

from datetime import date, datetime

from mlops_common.refs import DatasetRef, Ref
from uc1_churn.features.schema import FeatureSchema
from uc1_churn.validation.contract import TableContract


class ValidatedRef(Ref):
    """A revision of a dataset that was found to keep its contract.

    Attributes:
        dataset: The revision.
        contract: What it promises.
        docs: Object key of the Data Docs page.
        validated: When it was checked.
        as_of: Day of its newest row; that of the check, where rows have no instants.
    """

    dataset: DatasetRef
    contract: TableContract
    docs: str
    validated: datetime
    as_of: date


class FeaturesRef(Ref):
    """The features made from one revision of a dataset.

    Attributes:
        columns: The roles of the columns.
        table: One row for each customer and instant, without the label.
        training_set: Each labelled row with the features known at its instant.
    """

    columns: FeatureSchema
    table: DatasetRef
    training_set: DatasetRef
