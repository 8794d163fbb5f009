"""Values that travel between the steps of this pipeline."""

from mlops_common.refs import DatasetRef, Ref
from uc1_churn.feature_schema import FeatureSchema


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
