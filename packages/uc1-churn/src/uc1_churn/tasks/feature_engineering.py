"""From a revision to features: for training as they were, for serving as they are."""

from mlops_common.bootstrap import connect
from mlops_common.lineage.recording import reads, writes
from mlops_common.orchestration.tasks import HOUR, task
from mlops_common.progress import step
from mlops_common.refs import DatasetRef
from uc1_churn import resumption
from uc1_churn.bootstrap import feature_store
from uc1_churn.config import DatasetSpec
from uc1_churn.features import labels
from uc1_churn.features.derivation import derive
from uc1_churn.features.schema import FeatureTable
from uc1_churn.lineage import features as lineage
from uc1_churn.lineage import source
from uc1_churn.refs import FeaturesRef
from uc1_churn.tables import staging


@task(timeout=4 * HOUR, holds=resumption.still_materialized)
def materialize_feast_features(raw: DatasetRef, spec: DatasetSpec) -> FeaturesRef:
    """Derive the features, join the training set, fill the online store."""
    platform = connect()
    datasets = platform.datasets
    store = feature_store(platform)
    extract = datasets.path(raw)
    reads(lambda: source.revision(platform, raw))
    with (
        step("Features with Feast"),
        staging.folder(platform.staging) as folder,
    ):
        columns = derive(extract, spec, folder / "features.parquet")
        labels.entity_rows(extract, spec, folder / "entities.parquet")
        table = datasets.store(
            f"{spec.name}-features",
            folder / "features.parquet",
            prefix=f"features/{spec.name}",
        )
        derived = FeatureTable(columns=columns, path=datasets.path(table))
        store.training_set(
            derived, folder / "entities.parquet", folder / "training.parquet"
        )
        training = datasets.store(
            f"{spec.name}-training",
            folder / "training.parquet",
            prefix=f"training/{spec.name}",
        )
        store.materialize(derived)
    features = FeaturesRef(
        columns=columns,
        table=table.model_copy(update={"revision": raw.revision}),
        training_set=training.model_copy(update={"revision": raw.revision}),
    )
    writes(lambda: lineage.written(platform, raw, spec, features))
    return features
